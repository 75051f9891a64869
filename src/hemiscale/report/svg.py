"""Figures to SVG and PNG: the same bytes on every run, with tooltips, and inlined with themes."""

from __future__ import annotations

import copy
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemiscale.report.figures.style import COLOURS, figure_style, read_mark
from hemiscale.results import write_atomically, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_svg", "inline_svg", "plain_svg", "save_figure"]

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_ROLES = {colour: role for role, colour in COLOURS.items()}
_FONT = re.compile(r"(?:'DejaVu Sans'|DejaVu Sans)(?:, [^;\"]+)?")

# Resolution of PNG files: what journals ask of combined line and half-tone art.
DOTS_PER_INCH = 300


def save_figure(figure: Figure, path: Path, *, drawing: ET.Element | None = None) -> None:
    """Write a figure as SVG and as PNG (300 dots per inch, on white).

    The SVG has text as text, a title (tooltip) for each mark, and the same bytes on every run.

    Parameters
    ----------
    figure : Figure
    path : Path
        Without suffix.
    drawing : Element, optional
        From `draw_svg`, where the figure has been drawn already.
    """
    drawing = draw_svg(figure) if drawing is None else drawing
    svg, png = path.with_name(path.name + ".svg"), path.with_name(path.name + ".png")
    write_text(svg, plain_svg(drawing))
    with figure_style(), write_atomically(png) as part:
        figure.savefig(
            part,
            format="png",
            dpi=DOTS_PER_INCH,
            facecolor="white",
            metadata={"Software": None},
        )


def draw_svg(figure: Figure) -> ET.Element:
    """Draw a figure as an SVG tree, the same on every run.

    Parameters
    ----------
    figure : Figure
        Its layout is settled by this and stays as it is.

    Returns
    -------
    Element
        For `plain_svg` and `inline_svg`, which leave it unchanged.
    """
    import matplotlib as mpl

    options: Any = {"svg.fonttype": "none", "svg.hashsalt": "hemiscale"}
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    stream = io.StringIO()
    with figure_style(), mpl.rc_context(options):
        figure.savefig(stream, format="svg", metadata=nothing)
    # The layout depends on inches alone; to find it again for the PNG would double the time.
    figure.set_layout_engine("none")
    # What is parsed is what matplotlib has just written from our own figure, no file of anyone's.
    root = ET.fromstring(stream.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            # Its style sheet would leak into the whole page; the page and the figure set it anew.
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    return root


def plain_svg(drawing: ET.Element) -> str:
    """Write a drawing as a document of its own, the identity of marks as titles.

    Parameters
    ----------
    drawing : Element
        From `draw_svg`.

    Returns
    -------
    str
    """
    root = copy.deepcopy(drawing)
    root.set("style", "stroke-linejoin:round;stroke-linecap:butt")
    for element in list(root.iter()):
        identity = read_mark(element.get("id", ""))
        if identity is None:
            continue
        model, _, _, lines = identity
        del element.attrib["id"]
        title = ET.Element(f"{{{_SVG}}}title")
        title.text = "\n".join([model, *lines])
        element.insert(0, title)
    return _serialise(root)


def inline_svg(drawing: ET.Element, prefix: str) -> str:
    """Write a drawing as an element of the page.

    Colours become CSS variables of their role, ids are kept apart by `prefix`, marks carry what the
    page's script needs (``data-model``, ``data-kind``, ``data-family``, ``data-tip``).

    Parameters
    ----------
    drawing : Element
        From `draw_svg`.
    prefix : str
        Letters, digits and hyphens; no two figures of a page share it.

    Returns
    -------
    str
    """
    root = copy.deepcopy(drawing)
    _mark_data(root)
    _own_ids(root, prefix)
    for element in root.iter():
        style = element.get("style")
        if style:
            element.set("style", _themed(style))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    width, height = (float(part) for part in root.get("viewBox", "0 0 1 1").split()[2:])
    # One point is 4/3 CSS pixels: drawn at its size in print where there is room for it.
    root.set("style", f"max-width:{width * 4 / 3:.0f}px;aspect-ratio:{width:g}/{height:g}")
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return _serialise(root)


def _mark_data(root: ET.Element) -> None:
    for element in root.iter():
        identity = read_mark(element.get("id", ""))
        if identity is None:
            continue
        model, kind, family, lines = identity
        del element.attrib["id"]
        element.set("class", "mark")
        element.set("data-model", model)
        if kind:
            element.set("data-kind", kind)
        if family:
            element.set("data-family", family)
        if lines:
            element.set("data-tip", "\n".join(lines))


def _own_ids(root: ET.Element, prefix: str) -> None:
    """Keep only the ids that something refers to, and prefix them."""
    used = set()
    for element in root.iter():
        for value in element.attrib.values():
            used.update(re.findall(r"url\(#([^)]+)\)", value))
        target = element.get(f"{{{_XLINK}}}href", "")
        if target.startswith("#"):
            used.add(target[1:])
    for element in root.iter():
        own = element.get("id")
        if own is not None:
            if own in used:
                element.set("id", f"{prefix}-{own}")
            else:
                del element.attrib["id"]
        for name, value in list(element.attrib.items()):
            if name == f"{{{_XLINK}}}href" and value.startswith("#"):
                del element.attrib[name]
                element.set("href", f"#{prefix}-{value[1:]}")
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}-"))


def _themed(style: str) -> str:
    def variable(match: re.Match[str]) -> str:
        role = _ROLES.get(match[0].lower())
        return f"var(--fig-{role})" if role else match[0]

    style = re.sub(r"#[0-9a-fA-F]{6}\b", variable, style)
    return _FONT.sub("var(--sans)", style)


def _serialise(root: ET.Element) -> str:
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return ET.tostring(root, encoding="unicode")
