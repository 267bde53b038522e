"""Operators of torch that a model from outside may use: those that only compute.

The name alone decides in the kernel, where torch need not be there; whoever has torch looks at the arguments too
(`takes_more`). What is not known here is refused, whatever it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Of these, all but what reaches beyond computing. Each is torch's own, or what torch makes of quantised models.
_SPACES = frozenset({"aten", "prims", "quantized", "_quantized", "quantized_decomposed", "sparse"})
#: Parts of names: files, other machines, libraries, other programs. An operator of such a name is none that computes.
_REACHING = re.compile(
    r"(?:^|_)(?:file|path|save|load|read|write|open|rpc|exec|eval|import|lib|library|python|socket|send|recv)(?:_|$)")
_NAME = re.compile(r"\w{1,100}", re.ASCII)
#: Of other libraries and of torch's own tools, one by one.
_SINGLE = {
    "torchvision": _words(
        "nms roi_align roi_pool ps_roi_align ps_roi_pool deform_conv2d _roi_align_backward _roi_pool_backward "
        "_ps_roi_align_backward _ps_roi_pool_backward _deform_conv2d_backward"),
    "profiler": frozenset({"_record_function_enter", "_record_function_enter_new", "_record_function_exit"}),
    "higher_order": _words(
        "associative_scan auto_functionalized auto_functionalized_v2 cond flex_attention hints_wrapper invoke_subgraph "
        "map map_impl out_dtype scan strict_mode tag_activation_checkpoint while_loop wrap wrap_with_autocast "
        "wrap_with_set_grad_enabled"),
    # What TorchScript itself is made of. Not here: Python, other machines, and what only compilers put into graphs.
    "prim": _words(
        "Constant If Loop GetAttr SetAttr HasAttr CallMethod CallFunction CreateObject Uninitialized Print "
        "RaiseException Enter Exit fork awaitable awaitable_nowait awaitable_wait isinstance unchecked_cast "
        "unchecked_unwrap_optional annotate ListConstruct ListUnpack TupleConstruct TupleUnpack TupleIndex TupleSlice "
        "DictConstruct DictIndex ModuleContainerIndex StringIndex ConstantChunk IfThenElse VarConcat VarStack "
        "NumToTensor ImplicitTensorToNum EnumName EnumValue AutogradAdd AutogradZero abs data device dtype grad id "
        "index is_cpu is_cuda is_ipu is_maia is_meta is_mkldnn is_mps is_mtia is_nested is_quantized is_sparse "
        "is_sparse_csr is_vulkan is_xla is_xpu itemsize layout max min name nbytes rangelist requires_grad shape "
        "tolist type"),
}
#: Of aten, what takes a text: an equation, a mode, a text to work on. A text that another one takes may be a path.
_TEXTS = _words(
    "Delete Float Int __contains__ __getitem__ __interpolate __upsample _assert_async _assert_scalar _convolution_mode "
    "_functional_assert_async _functional_assert_scalar _linalg_check_errors _linalg_eigh _linalg_svd "
    "_mixed_dtypes_linear _print _segment_reduce_backward _set_item _sparse_mm _sparse_mm_reduce_impl "
    "_sparse_mm_reduce_impl_backward _sparse_semi_structured_linear _sparse_semi_structured_tile add any capitalize "
    "center clear conv1d conv2d conv3d copy count device dict div div_ divide divide_ einsum endswith eq expandtabs "
    "fft_fft fft_fft2 fft_fftn fft_hfft fft_hfft2 fft_hfftn fft_ifft fft_ifft2 fft_ifftn fft_ihfft fft_ihfft2 "
    "fft_ihfftn fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn find format ge gelu gelu_ gelu_backward "
    "get get_autocast_dtype gt index index_reduce index_reduce_ isalnum isalpha isdecimal isdigit isidentifier islower "
    "isnumeric isprintable isspace istitle isupper items join keys le len linalg_cond linalg_eigh linalg_eigvalsh "
    "linalg_lstsq linalg_matrix_norm linalg_norm linalg_qr linalg_svd linalg_svdvals list ljust lower lstrip lt "
    "meshgrid nanquantile ne ord pad pad_sequence partition percentFormat pop popitem quantile remove replace rfind "
    "rindex rjust rpartition rsplit rstrip scatter scatter_ scatter_reduce scatter_reduce_ searchsorted segment_reduce "
    "setdefault slice sort sorted split splitlines startswith stft strip swapcase title update upper values warn "
    "zfill")
_TEXT = re.compile(r"\bstr\b")
#: Classes in C++ that are weights, packed.
_CLASSES = re.compile(r"torch\.classes\.(?!(?:quantized|sparse)\.\w+(?![\w.]))")


def computes(space: str, name: str) -> bool:
    """Whether the operator `space::name`, in all its overloads, only computes, by its name."""
    if space in _SINGLE:
        return name in _SINGLE[space]
    return space in _SPACES and _NAME.fullmatch(name) is not None and _REACHING.search(name) is None


def takes_more(space: str, name: str, types: Iterable[str]) -> bool:
    """Whether the types of the operator's arguments have a text among them of which nobody has said what it is."""
    known = space in {"prim", "profiler"} or (space == "aten" and name in _TEXTS)
    return not known and any(_TEXT.search(each) for each in types)


def reaches(type_: str) -> bool:
    """Whether a type of TorchScript is, or has, a class written in C++ that is more than packed weights."""
    return _CLASSES.search(type_) is not None
