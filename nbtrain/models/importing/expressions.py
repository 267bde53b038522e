"""Formulas in files of `torch.export`, which torch evaluates as Python: only arithmetic on sizes passes."""

from __future__ import annotations

import ast
import re

#: Functions and constants of formulas: those of sympy and torch that sizes are made with.
_KNOWN = frozenset({
    "Symbol", "Integer", "Rational", "Float", "Add", "Mul", "Pow", "Mod", "Max", "Min", "Abs", "Ne", "Eq", "Lt", "Le",
    "Gt", "Ge", "And", "Or", "Not", "Piecewise", "Equality", "Unequality", "StrictLessThan", "LessThan",
    "StrictGreaterThan", "GreaterThan", "FloorDiv", "ModularIndexing", "Where", "PythonMod", "CleanDiv", "CeilDiv",
    "CeilToInt", "FloorToInt", "TruncToInt", "TruncToFloat", "RoundToInt", "RoundDecimal", "ToFloat", "IntTrueDiv",
    "FloatTrueDiv", "PowByNatural", "FloatPow", "LShift", "RShift", "Identity", "IsNonOverlappingAndDenseIndicator",
    "OpaqueUnaryFn_sqrt", "OpaqueUnaryFn_exp", "OpaqueUnaryFn_log2", "floor", "ceiling", "sqrt", "true", "false",
    "oo", "zoo", "int_oo", "inf", "nan", "math"})
#: What conditions speak of: the inputs.
_INPUTS = frozenset({"L", "args", "kwargs"})
#: What may be asked of a tensor or of `math` in a condition.
_ASKED = frozenset({"size", "shape", "stride", "storage_offset", "dtype", "numel", "dim", "ndim", "isnan", "inf"})
#: Symbols of sizes, as torch names them: ``s0``, ``u12``.
_SIZE = re.compile(r"[a-z]{1,3}\d{1,9}", re.ASCII)
_WORD = re.compile(r"\w{0,100}", re.ASCII)
_ALLOWED = (
    ast.Expression, ast.Load, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop,
    ast.cmpop, ast.Tuple, ast.keyword)
#: Digits of a whole number, and characters of a formula: longer ones are made to keep a machine busy.
_LARGEST, _LONGEST = 2**64, 10_000


def is_plain(text: object) -> bool:
    """Whether `text` is arithmetic on sizes and nothing else."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return all(_allowed(node) for node in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _allowed(node: ast.AST) -> bool:  # noqa: PLR0911 - one for each kind
    match node:
        case ast.Constant(value=str() as text):
            return _WORD.fullmatch(text) is not None
        case ast.Constant(value=value):
            return isinstance(value, bool | float) or (isinstance(value, int) and abs(value) <= _LARGEST)
        case ast.Name(id=name):
            return name in _KNOWN | _INPUTS or _SIZE.fullmatch(name) is not None
        case ast.Attribute(attr=asked):
            return asked in _ASKED
        case ast.Call(func=ast.Name(id=name)):
            return name in _KNOWN
        case ast.Call(func=function):
            return isinstance(function, ast.Attribute)
        case ast.Subscript(slice=index):
            return isinstance(index, ast.Constant)
        case _:
            return isinstance(node, _ALLOWED)
