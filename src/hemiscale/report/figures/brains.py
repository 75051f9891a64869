"""Maps on the brain: glass brains and inflated surfaces, from voxels with their places in mm."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    figure_style,
    is_narrow,
    needed,
    panels,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["brain_maps", "glass_brains", "map_colours", "volume_of"]

VIEWS = (("left", "lateral"), ("left", "medial"), ("right", "medial"), ("right", "lateral"))
"""The four views of `brain_maps`, in drawing order."""

_DOTS = 150
_VOXEL, _REACH = 2.0, 4.0  # mm; of volumes that are made of vertices, and how far these reach
# Grey of cortex without a value: seen on white and on the dark page alike.
_LIGHT, _DARK = 0.86, 0.62
_WIDTH_TO_HEIGHT = 1.28


def volume_of(table: pd.DataFrame, column: str = "value") -> Any:
    """Put voxel values back into their volume.

    Parameters
    ----------
    table : DataFrame
        ``x, y, z`` in mm, on a regular grid along the axes, and the column with the values.
    column : str

    Returns
    -------
    nibabel.Nifti1Image
        float32; NaN where no voxel is.

    Raises
    ------
    ValueError
        Where the places are on no regular grid.
    """
    import nibabel
    from nibabel.affines import from_matvec

    needed(table, "x", "y", "z", column)
    places = table[["x", "y", "z"]].to_numpy(dtype=np.float64)
    origin, steps, index = np.zeros(3), np.ones(3), np.zeros(places.shape, dtype=np.int64)
    for axis in range(3):
        values = np.unique(np.round(places[:, axis], 4))
        origin[axis] = values[0]
        if len(values) > 1:
            steps[axis] = np.diff(values).min()
        at = (places[:, axis] - origin[axis]) / steps[axis]
        index[:, axis] = np.rint(at)
        if np.abs(at - index[:, axis]).max() > 0.01:
            raise ValueError("the voxels lie on no regular grid along x, y and z")
    volume = np.full(index.max(axis=0) + 1, np.nan, dtype=np.float32)
    volume[tuple(index.T)] = table[column].to_numpy(dtype=np.float32)
    return nibabel.Nifti1Image(volume, from_matvec(np.diag(steps), origin))


def _image_of(rows: pd.DataFrame) -> Any:
    """Volume of voxels; of vertices, one in which each voxel has the value of the nearest."""
    try:
        return volume_of(rows)
    except ValueError:
        return _volume_of_vertices(rows)


def _volume_of_vertices(rows: pd.DataFrame) -> Any:
    import nibabel
    from nibabel.affines import from_matvec
    from scipy.spatial import cKDTree

    places = rows[["x", "y", "z"]].to_numpy(dtype=np.float64)
    first = np.floor(places.min(axis=0) / _VOXEL) - 1
    last = np.ceil(places.max(axis=0) / _VOXEL) + 1
    shape = tuple((last - first + 1).astype(np.int64).tolist())
    centres = (np.indices(shape).reshape(3, -1).T + first) * _VOXEL
    values = rows["value"].to_numpy(dtype=np.float32)
    volume = np.full(len(centres), np.nan, dtype=np.float32)
    # Side by side: across the midline the other hemisphere may be nearer.
    for here, there in (
        (places[:, 0] < 0, centres[:, 0] < 0),
        (places[:, 0] >= 0, centres[:, 0] >= 0),
    ):
        if here.any():
            distance, nearest = cKDTree(places[here]).query(
                centres[there], distance_upper_bound=_REACH
            )
            found = np.append(values[here], np.float32(np.nan))[nearest]
            volume[there] = np.where(np.isfinite(distance), found, np.float32(np.nan))
    return nibabel.Nifti1Image(
        volume.reshape(shape), from_matvec(np.diag([_VOXEL] * 3), first * _VOXEL)
    )


def map_colours(values: Any, *, signed: bool) -> tuple[Any, Normalize]:
    """Colours of a map: viridis from zero for scores, purple to green for what has two signs.

    Parameters
    ----------
    values : array
    signed : bool

    Returns
    -------
    Colormap, Normalize
        The range ends at the 99.5th percentile of the absolute values.
    """
    import matplotlib as mpl
    from matplotlib.colors import Normalize

    known = np.abs(np.asarray(values, dtype=np.float64))
    known = known[np.isfinite(known)]
    top = float(np.quantile(known, 0.995)) if known.size else 1.0
    top = top if top > 0 else 1.0
    if signed:
        return mpl.colormaps["PRGn"], Normalize(-top, top)
    return mpl.colormaps["viridis"], Normalize(0.0, top)


def brain_maps(
    table: pd.DataFrame,
    *,
    signed: bool = False,
    label: str = "brain score (Pearson r)",
    threshold: float | None = None,
    width: float = DOUBLE_COLUMN,
) -> Figure:
    """Draw maps on inflated cortical surfaces, a row per map, both sides, outside and inside.

    Values are read at the cortical surface (fsaverage5, nearest voxel) and drawn on the inflated
    one. All maps share one colour scale. A
    side on which no voxel has a value is not drawn.

    Parameters
    ----------
    table : DataFrame
        ``map, x, y, z, value``: name of the map, place in mm (MNI), value. NaN is not drawn.
    signed : bool
        Whether values have two signs (slopes, differences).
    label : str
        Of the colour bar.
    threshold : float, optional
        Values nearer to zero than this are not drawn.
    width : float
        Inches; in a narrow figure views stand two by two.

    Returns
    -------
    Figure
    """
    needed(table, "map", "x", "y", "z", "value")
    names = list(dict.fromkeys(table["map"]))
    colours, scale = map_colours(table["value"], signed=signed)
    views = _shown_views(table, narrow=is_narrow(width))
    columns = min(2 if is_narrow(width) else 4, len(views))
    rows_each = len(views) // columns
    with figure_style():
        size = min(width / columns, width / 2.6) / _WIDTH_TO_HEIGHT
        height = len(names) * (rows_each * size + 0.22) + 0.55
        figure, grid = panels(width, height, len(names) * rows_each, columns)
        figure.get_layout_engine().set(h_pad=0.07)
        for k, name in enumerate(names):
            image = _image_of(table[table["map"] == name])
            for n, (side, view) in enumerate(views):
                ax = grid[k * rows_each + n // columns, n % columns]
                pixels = _surface(image, side, view, colours, scale, threshold)
                ax.imshow(pixels, interpolation="antialiased")
                ax.set_axis_off()
                if n == 0:
                    ax.set_title(name, loc="left", fontsize=8)
                _name_view(ax, f"{side}, {'outside' if view == 'lateral' else 'inside'}")
        _colour_bar(figure, grid, colours, scale, label)
        # One pass of the layout does not know yet how pictures of a fixed shape shrink.
        figure.draw_without_rendering()
    return figure


def glass_brains(
    table: pd.DataFrame,
    *,
    signed: bool = False,
    label: str = "brain score (Pearson r)",
    threshold: float | None = None,
    width: float = DOUBLE_COLUMN,
) -> Figure:
    """Draw maps as glass brains: the largest value along each line of sight, a row per map.

    Parameters
    ----------
    table : DataFrame
        ``map, x, y, z, value`` as for `brain_maps`.
    signed, label, threshold, width
        As for `brain_maps`.

    Returns
    -------
    Figure
    """
    import nibabel
    from nilearn.plotting import plot_glass_brain

    needed(table, "map", "x", "y", "z", "value")
    names = list(dict.fromkeys(table["map"]))
    colours, scale = map_colours(table["value"], signed=signed)
    mode = "lzr" if is_narrow(width) else "lyrz"
    with figure_style():
        height = len(names) * (width * (0.33 if is_narrow(width) else 0.25) + 0.25) + 0.55
        figure, grid = panels(width, height, len(names), 1)
        figure.get_layout_engine().set(h_pad=0.07)
        for ax, name in zip(grid[:, 0], names, strict=True):
            image = _image_of(table[table["map"] == name])
            values = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float32))
            ax.set_title(name, fontsize=8)
            ax.set_axis_off()
            shown = plot_glass_brain(
                nibabel.Nifti1Image(values, image.affine),
                axes=ax,
                figure=figure,
                display_mode=mode,
                colorbar=False,
                cmap=colours,
                vmin=scale.vmin,
                vmax=scale.vmax,
                threshold=1e-6 if threshold is None else threshold,
                plot_abs=not signed,
                annotate=False,
                symmetric_cbar=signed,
            )
            for part in shown.axes.values():
                for outline in part.ax.patches:
                    outline.set_edgecolor(COLOURS["muted"])
                    outline.set_linewidth(0.7)
        _colour_bar(figure, grid, colours, scale, label)
    return figure


def _shown_views(table: pd.DataFrame, *, narrow: bool) -> list[tuple[str, str]]:
    """Keep the views of sides with values; in a narrow figure two by two, left beside right."""
    order = (VIEWS[0], VIEWS[3], VIEWS[1], VIEWS[2]) if narrow else VIEWS
    known = table.loc[np.isfinite(table["value"]), "x"]
    sides = {"left": bool((known < 0).any()), "right": bool((known > 0).any())}
    return [view for view in order if sides[view[0]]] or list(order)


def _surface(
    image: Any, side: str, view: str, colours: Any, scale: Normalize, threshold: float | None
) -> NDArray[np.uint8]:
    """One view of one hemisphere as pixels with transparency, cropped to the brain."""
    values = _at_surface(image, _meshes(side)[0])
    if threshold is not None:
        values = np.where(np.abs(values) >= threshold, values, np.nan)
    with np.errstate(invalid="ignore"):
        paint = colours(scale(np.ma.masked_invalid(values)))[:, :3]
    paint[~np.isfinite(values)] = np.nan
    return _render(side, view, np.asarray(paint, dtype=np.float64).tobytes())


@lru_cache(maxsize=2)
def _meshes(side: str) -> tuple[Any, Any, NDArray[np.float64]]:
    from nilearn.datasets import fetch_surf_fsaverage
    from nilearn.surface import load_surf_data, load_surf_mesh

    # This mesh lies in the nilearn package: nothing is downloaded.
    files = fetch_surf_fsaverage("fsaverage5")
    depth = np.asarray(load_surf_data(files[f"sulc_{side}"]), dtype=np.float64)
    return files[f"pial_{side}"], load_surf_mesh(files[f"infl_{side}"]), depth


def _at_surface(image: Any, mesh: Any) -> NDArray[np.float64]:
    """Value of the nearest voxel at each vertex of the mesh; NaN outside the mask."""
    from nilearn.surface import load_surf_mesh

    volume = np.asarray(image.dataobj, dtype=np.float64)
    places = np.asarray(load_surf_mesh(mesh).coordinates, dtype=np.float64)
    inverse = np.linalg.inv(image.affine)
    index = np.rint(places @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
    inside = ((index >= 0) & (index < volume.shape)).all(axis=1)
    values = np.full(len(places), np.nan)
    values[inside] = volume[tuple(index[inside].T)]
    return values


@lru_cache(maxsize=64)
def _render(side: str, view: str, painted: bytes) -> NDArray[np.uint8]:
    """Draw a mesh seen from the side: far triangles first, shaded by their slant.

    Remembered, because the page shows every map at two widths. `painted` is the colour of each
    vertex (red, green, blue; NaN for cortex without a value).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    _, mesh, depth = _meshes(side)
    colour = np.frombuffer(painted, dtype=np.float64).reshape(-1, 3)
    vertices = np.asarray(mesh.coordinates, dtype=np.float64)
    faces = np.asarray(mesh.faces, dtype=np.int64)
    from_left = (side == "left") == (view == "lateral")
    sign = -1.0 if from_left else 1.0
    across, up, towards = sign * vertices[:, 1], vertices[:, 2], sign * vertices[:, 0]
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    outward = normal * np.sign(
        np.einsum("fk,fk->f", normal, corners.mean(axis=1) - vertices.mean(axis=0))
    ).reshape(-1, 1)
    facing = sign * outward[:, 0]
    order = np.argsort(towards[faces].mean(axis=1), kind="stable")
    grey = np.where(depth[faces].mean(axis=1) > 0, _DARK, _LIGHT)
    paint = np.stack([grey, grey, grey, np.ones_like(grey)], axis=1)
    corner = colour[faces]
    found = np.isfinite(corner[..., 0]).sum(axis=1)
    mean = np.nansum(corner, axis=1) / np.maximum(found, 1)[:, None]
    paint[found >= 2, :3] = mean[found >= 2]
    paint[:, :3] *= (0.72 + 0.28 * np.clip(facing, 0, 1))[:, None]
    figure = Figure(figsize=(2.4, 2.4 / _WIDTH_TO_HEIGHT), dpi=_DOTS * 2)
    figure.patch.set_alpha(0)
    ax = figure.add_axes((0, 0, 1, 1))
    shapes = np.stack([across[faces], up[faces]], axis=2)[order]
    ax.add_collection(
        PolyCollection(
            list(shapes), facecolors=paint[order], edgecolors=paint[order], linewidths=0.15
        )
    )
    ax.set_aspect("equal")
    ax.autoscale_view()
    ax.set_axis_off()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # Half the size it was drawn at: smooth edges.
    pixels = np.asarray(canvas.buffer_rgba(), dtype=np.float64)
    high, wide = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    small = pixels[:high, :wide].reshape(high // 2, 2, wide // 2, 2, 4).mean(axis=(1, 3))
    return np.round(small).astype(np.uint8)


def _name_view(ax: Axes, text: str) -> None:
    ax.text(
        0.5,
        -0.02,
        text,
        transform=ax.transAxes,
        ha="center",
        va="top",
        fontsize=7,
        color=COLOURS["muted"],
    )


def _colour_bar(figure: Figure, grid: Any, colours: Any, scale: Normalize, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import MaxNLocator

    bar = figure.colorbar(
        ScalarMappable(norm=scale, cmap=colours),
        ax=list(grid.flat),
        orientation="horizontal",
        shrink=0.45,
        aspect=30,
        pad=0.02,
    )
    bar.set_label(label, fontsize=8)
    bar.ax.xaxis.set_major_locator(MaxNLocator(3 if is_narrow(figure.get_figwidth()) else 7))
    bar.outline.set_visible(False)
