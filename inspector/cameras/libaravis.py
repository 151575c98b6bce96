"""The C functions of Aravis 0.8, the free library for cameras of GigE Vision and USB3 Vision.

They are called directly. Debian's gir1.2-aravis-0.8 makes the same functions known to the one Python that Debian built,
so whoever uses it gives up the choice of a Python, or a virtual environment's isolation; and it copies each picture
once more to make ``bytes`` of it. This way any Python will do, and a picture is read where the network put it.
"""

import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint, c_uint32, c_uint64, c_void_p
from functools import cache, partial
from typing import Any, Final, cast

from inspector.errors import CameraError, ConfigError

NAME: Final = "libaravis-0.8.so.0"

ERROR: Final = "GError **"
"""Last argument of a function that may fail; see ``Library``."""

NOTHING: Final = None
OBJECT: Final = c_void_p

INTEGERS: Final = POINTER(c_int64)
DOUBLES: Final = POINTER(c_double)
SIZES: Final = POINTER(c_size_t)
COUNTS: Final = POINTER(c_uint)
INTS: Final = POINTER(c_int)

FUNCTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "update_device_list": (NOTHING,),
    "get_n_devices": (c_uint,),
    "get_device_id": (c_char_p, c_uint),
    "get_device_vendor": (c_char_p, c_uint),
    "get_device_model": (c_char_p, c_uint),
    "get_device_serial_nbr": (c_char_p, c_uint),
    "get_device_address": (c_char_p, c_uint),
    "get_device_protocol": (c_char_p, c_uint),
    "camera_new": (OBJECT, c_char_p, ERROR),
    "camera_get_device": (OBJECT, OBJECT),
    "camera_get_device_serial_number": (c_char_p, OBJECT, ERROR),
    "camera_is_gv_device": (c_int, OBJECT),
    "gv_device_is_controller": (c_int, OBJECT),
    "camera_get_payload": (c_uint, OBJECT, ERROR),
    "camera_create_stream": (OBJECT, OBJECT, c_void_p, c_void_p, ERROR),
    "camera_start_acquisition": (NOTHING, OBJECT, ERROR),
    "camera_stop_acquisition": (NOTHING, OBJECT, ERROR),
    "stream_push_buffer": (NOTHING, OBJECT, OBJECT),
    "stream_timeout_pop_buffer": (OBJECT, OBJECT, c_uint64),
    "stream_get_n_infos": (c_uint, OBJECT),
    "stream_get_info_name": (c_char_p, OBJECT, c_uint),
    "stream_get_info_uint64": (c_uint64, OBJECT, c_uint),
    "buffer_new_allocate": (OBJECT, c_size_t),
    "buffer_get_status": (c_int, OBJECT),
    "buffer_get_frame_id": (c_uint64, OBJECT),
    "buffer_get_timestamp": (c_uint64, OBJECT),
    "buffer_get_image_data": (c_void_p, OBJECT, SIZES),
    "buffer_get_image_pixel_format": (c_uint32, OBJECT),
    "buffer_get_image_width": (c_int, OBJECT),
    "buffer_get_image_height": (c_int, OBJECT),
    "buffer_get_image_padding": (NOTHING, OBJECT, INTS, INTS),
    "device_read_memory": (c_int, OBJECT, c_uint64, c_uint32, c_void_p, ERROR),
    "device_get_feature": (OBJECT, OBJECT, c_char_p),
    "device_execute_command": (NOTHING, OBJECT, c_char_p, ERROR),
    "device_get_boolean_feature_value": (c_int, OBJECT, c_char_p, ERROR),
    "device_set_boolean_feature_value": (NOTHING, OBJECT, c_char_p, c_int, ERROR),
    "device_get_integer_feature_value": (c_int64, OBJECT, c_char_p, ERROR),
    "device_set_integer_feature_value": (NOTHING, OBJECT, c_char_p, c_int64, ERROR),
    "device_get_integer_feature_bounds": (NOTHING, OBJECT, c_char_p, INTEGERS, INTEGERS, ERROR),
    "device_get_integer_feature_increment": (c_int64, OBJECT, c_char_p, ERROR),
    "device_get_float_feature_value": (c_double, OBJECT, c_char_p, ERROR),
    "device_set_float_feature_value": (NOTHING, OBJECT, c_char_p, c_double, ERROR),
    "device_get_float_feature_bounds": (NOTHING, OBJECT, c_char_p, DOUBLES, DOUBLES, ERROR),
    "device_get_float_feature_increment": (c_double, OBJECT, c_char_p, ERROR),
    "device_get_string_feature_value": (c_char_p, OBJECT, c_char_p, ERROR),
    "device_set_string_feature_value": (NOTHING, OBJECT, c_char_p, c_char_p, ERROR),
    "device_dup_available_enumeration_feature_values_as_strings": (
        POINTER(c_char_p), OBJECT, c_char_p, COUNTS, ERROR,
    ),
    "gc_category_get_features": (c_void_p, OBJECT),
    "gc_feature_node_is_available": (c_int, OBJECT, ERROR),
    "gc_feature_node_is_locked": (c_int, OBJECT, ERROR),
    "gc_feature_node_get_actual_access_mode": (c_int, OBJECT),
    "gc_category_get_type": (c_size_t,),
    "gc_enumeration_get_type": (c_size_t,),
    "gc_boolean_get_type": (c_size_t,),
    "gc_command_get_type": (c_size_t,),
    "gc_string_get_type": (c_size_t,),
    "gc_float_get_type": (c_size_t,),
    "gc_integer_get_type": (c_size_t,),
}  # fmt: skip
"""What is used, without ``arv_`` in front: the type of the result, then those of the arguments."""


class Failure(ctypes.Structure):
    """GLib's GError."""

    _fields_ = (("domain", c_uint32), ("code", c_int), ("message", c_char_p))


class Link(ctypes.Structure):
    """GLib's GSList."""


Link._fields_ = (("data", c_char_p), ("next", POINTER(Link)))


class Library:
    """Aravis, and what is needed of GLib, on which it is built."""

    def __init__(self) -> None:
        """Raises OSError when it is not there, AttributeError when it is too old."""
        # The functions of GLib are found through Aravis too, so that they are those that it uses itself.
        self._library = ctypes.CDLL(NAME)
        self._functions = {name: self._bound(f"arv_{name}", *types) for name, types in FUNCTIONS.items()}
        self._type_is_a = self._bound("g_type_is_a", c_int, c_size_t, c_size_t)
        self._free = self._bound("g_free", NOTHING, c_void_p)
        self._free_error = self._bound("g_error_free", NOTHING, c_void_p)
        self.unref = self._bound("g_object_unref", NOTHING, OBJECT)

    def call(self, name: str, *arguments: Any) -> Any:
        """The result of one of ``FUNCTIONS``. Raises CameraError where it fails. Other threads run meanwhile."""
        return self._functions[name](*arguments)

    def text(self, name: str, *arguments: Any) -> str:
        """The same for a result that is text."""
        return (self.call(name, *arguments) or b"").decode(errors="replace")

    def entries(self, device: Any, feature: bytes) -> list[str]:
        """The entries of an enumeration that can be chosen now."""
        count = c_uint()
        texts = self.call("device_dup_available_enumeration_feature_values_as_strings", device, feature, byref(count))
        try:
            return [texts[number].decode() for number in range(count.value)]
        finally:
            self._free(texts)

    def is_a(self, thing: Any, kind: str) -> bool:
        """Whether a GObject is of that kind, as in ``gc_enumeration``."""
        own_type = ctypes.cast(thing, POINTER(POINTER(c_size_t)))[0][0]
        return bool(self._type_is_a(own_type, self.call(f"{kind}_get_type")))

    def _bound(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        function = getattr(self._library, name)
        function.restype = result
        function.argtypes = [POINTER(POINTER(Failure)) if each == ERROR else each for each in arguments]
        return partial(self._checked, function) if ERROR in arguments else cast("Callable[..., Any]", function)

    def _checked(self, function: Callable[..., Any], *arguments: Any) -> Any:
        failure = POINTER(Failure)()
        result = function(*arguments, byref(failure))
        if not failure:
            return result
        message = failure.contents.message.decode(errors="replace")
        self._free_error(failure)
        raise CameraError(message)


@cache
def library() -> Library:
    """Raises ConfigError when it cannot be used here."""
    try:
        return Library()
    except (OSError, AttributeError) as error:
        raise ConfigError(
            f"kind aravis needs Aravis 0.8.26 or newer (apt-get install libaravis-0.8-0): {error}"
        ) from error
