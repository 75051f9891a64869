"""netCDF-4 files whose bytes depend on their content alone.

xarray's writer gives every dimension a placeholder and deletes it when the coordinate comes. What
is deleted makes room only when nobody holds it any more: where a profiler looks at the process at
that moment, as it does in Dask's workers, the same content gets other bytes. Here everything is
made once, in order, and nothing is deleted. The files are netCDF-4 all the same: HDF5 with
dimension scales, as the netCDF-4 format specification asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py
    import xarray as xr

__all__ = ["put_netcdf"]

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:10d}"


def put_netcdf(
    file: Any,
    dataset: xr.Dataset,
    places: Mapping[str, tuple[Sequence[str], str]] | None = None,
) -> dict[str, int]:
    """Write a labelled result.

    Parameters
    ----------
    file : binary file
        Open for reading and writing, empty.
    dataset : xarray.Dataset
        Of numbers, truth values and strings; attributes are numbers and strings, or arrays of
        numbers. Variables whose `encoding` asks for ``zlib`` are compressed.
    places : mapping of {name: (dimensions, type)}, optional
        Variables more, on dimensions of the dataset, whose numbers are written later.

    Returns
    -------
    dict of {name: int}
        Where the numbers of each of `places` begin, in bytes; 0 where there are none.

    Raises
    ------
    TypeError
        Where something is none of these.

    References
    ----------
    .. [1] NetCDF-4 file format specification, in the NetCDF User's Guide.
    """
    import h5py

    offsets = {}
    with h5py.File(file, "w", track_order=True) as hdf5:
        # What does not lie along a dimension of its own name is a coordinate only if this says so.
        others = [str(name) for name in dataset.coords if name not in dataset.sizes]
        _describe(hdf5, dataset.attrs | ({"coordinates": " ".join(others)} if others else {}))
        scales = {}
        for number, (dim, size) in enumerate(dataset.sizes.items()):
            name = str(dim)
            if name in dataset.variables:
                scale, title = _put(hdf5, name, dataset.variables[name]), name
            else:
                scale = hdf5.create_dataset(name, (size,), ">f4", track_order=True)
                title = _NO_VARIABLE.format(size)
            scale.make_scale(title)
            scale.attrs["_Netcdf4Dimid"] = np.int32(number)
            scales[name] = scale
        for key, variable in dataset.variables.items():
            if key not in scales:
                _attach(_put(hdf5, str(key), variable), variable.dims, scales)
        for name, (dims, dtype) in (places or {}).items():
            shape = tuple(dataset.sizes[dim] for dim in dims)
            stored = hdf5.create_dataset(name, shape, np.dtype(dtype), track_order=True)
            if stored.size:  # the first value makes the library set all of the place aside
                stored[(0,) * len(shape)] = 0
            _attach(stored, dims, scales)
            offsets[name] = int(stored.id.get_offset() or 0)
    return offsets


def _put(hdf5: h5py.File, name: str, variable: xr.Variable) -> h5py.Dataset:
    """Write a variable."""
    import h5py

    values, attributes, options = np.asarray(variable.values), dict(variable.attrs), {}
    dtype: Any = values.dtype
    if dtype.kind == "b":  # netCDF has no truth values; xarray reads them back by this sign
        values, dtype = values.astype(np.int8), np.int8
        attributes["dtype"] = "bool"
    elif dtype.kind == "U" or (
        dtype.kind == "O" and all(isinstance(one, str) for one in values.flat)
    ):
        values, dtype = values.astype(object), h5py.string_dtype()
    elif dtype.kind not in "iuf":
        raise TypeError(f"{name}: {dtype} is not stored, only numbers, truth values and strings")
    if variable.encoding.get("zlib"):
        options = {
            "compression": "gzip",
            "compression_opts": variable.encoding.get("complevel", 4),
            "shuffle": bool(variable.encoding.get("shuffle", True)),
        }
    stored = hdf5.create_dataset(
        name, values.shape, dtype, data=values, track_order=True, **options
    )
    _describe(stored, attributes)
    return stored


def _attach(stored: h5py.Dataset, dims: Sequence[Any], scales: Mapping[str, h5py.Dataset]) -> None:
    for axis, dim in enumerate(dims):
        stored.dims[axis].attach_scale(scales[str(dim)])


def _describe(stored: h5py.File | h5py.Dataset, attributes: Mapping[Any, Any]) -> None:
    """Write attributes."""
    for key, value in attributes.items():
        found = np.asarray(value)
        if not isinstance(value, str) and (found.dtype.kind not in "iuf" or found.ndim > 1):
            raise TypeError(f"attribute {key}: {value!r} is not stored, only numbers and strings")
        stored.attrs[str(key)] = value if isinstance(value, str) else found
