"""What is known of CPython's instructions, 3.10 to 3.14: what each leaves, and which are all.

An instruction of a later CPython may read a name in a way that is not known here: code that has
one is not watched (`unknown`), its function stays eager.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

__all__ = [
    "Builtin",
    "Common",
    "Unknown",
    "compared",
    "constant_of",
    "stored_in_self",
    "unknown",
]

# Those that name something; `reads` says what.
_NAMING = frozenset(
    """
    DELETE_ATTR DELETE_DEREF DELETE_GLOBAL DELETE_NAME IMPORT_FROM IMPORT_NAME IMPORT_STAR LOAD_ATTR
    LOAD_CLASSDEREF LOAD_CLOSURE LOAD_DEREF LOAD_FROM_DICT_OR_DEREF LOAD_FROM_DICT_OR_GLOBALS
    LOAD_GLOBAL LOAD_METHOD LOAD_NAME LOAD_SUPER_ATTR LOAD_SUPER_METHOD LOAD_ZERO_SUPER_ATTR
    LOAD_ZERO_SUPER_METHOD MAKE_CELL MATCH_CLASS STORE_ATTR STORE_DEREF STORE_GLOBAL STORE_NAME
    """.split()
)
# Those that name nothing but local variables. Operators, subscripts, calls, formats and `with` look
# up special methods, in the classes of what they are given; templates (3.14) keep what they are
# given; the common constants are classes and functions of the interpreter's, whatever has become
# of the names.
_NAMELESS = frozenset(
    """
    ASYNC_GEN_WRAP BEFORE_ASYNC_WITH BEFORE_WITH BINARY_ADD BINARY_AND BINARY_FLOOR_DIVIDE
    BINARY_LSHIFT BINARY_MATRIX_MULTIPLY BINARY_MODULO BINARY_MULTIPLY BINARY_OP BINARY_OR
    BINARY_POWER BINARY_RSHIFT BINARY_SLICE BINARY_SUBSCR BINARY_SUBTRACT BINARY_TRUE_DIVIDE
    BINARY_XOR BUILD_CONST_KEY_MAP BUILD_INTERPOLATION BUILD_LIST BUILD_MAP BUILD_SET BUILD_SLICE
    BUILD_STRING BUILD_TEMPLATE BUILD_TUPLE CACHE CALL CALL_FUNCTION CALL_FUNCTION_EX
    CALL_FUNCTION_KW CALL_INTRINSIC_1 CALL_INTRINSIC_2 CALL_KW CALL_METHOD CHECK_EG_MATCH
    CHECK_EXC_MATCH CLEANUP_THROW COMPARE_OP CONTAINS_OP CONVERT_VALUE COPY COPY_DICT_WITHOUT_KEYS
    COPY_FREE_VARS DELETE_FAST DELETE_SUBSCR DICT_MERGE DICT_UPDATE DUP_TOP DUP_TOP_TWO
    END_ASYNC_FOR END_FOR END_SEND EXIT_INIT_CHECK EXTENDED_ARG FORMAT_SIMPLE FORMAT_VALUE
    FORMAT_WITH_SPEC FOR_ITER GEN_START GET_AITER GET_ANEXT GET_AWAITABLE GET_ITER GET_LEN
    GET_YIELD_FROM_ITER INPLACE_ADD INPLACE_AND INPLACE_FLOOR_DIVIDE INPLACE_LSHIFT
    INPLACE_MATRIX_MULTIPLY INPLACE_MODULO INPLACE_MULTIPLY INPLACE_OR INPLACE_POWER INPLACE_RSHIFT
    INPLACE_SUBTRACT INPLACE_TRUE_DIVIDE INPLACE_XOR INTERPRETER_EXIT IS_OP JUMP_ABSOLUTE
    JUMP_BACKWARD JUMP_BACKWARD_NO_INTERRUPT JUMP_FORWARD JUMP_IF_FALSE_OR_POP JUMP_IF_NOT_EXC_MATCH
    JUMP_IF_TRUE_OR_POP KW_NAMES LIST_APPEND LIST_EXTEND LIST_TO_TUPLE LOAD_ASSERTION_ERROR
    LOAD_BUILD_CLASS LOAD_COMMON_CONSTANT LOAD_CONST LOAD_FAST LOAD_FAST_AND_CLEAR LOAD_FAST_BORROW
    LOAD_FAST_BORROW_LOAD_FAST_BORROW LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_LOCALS LOAD_SMALL_INT
    LOAD_SPECIAL MAKE_FUNCTION MAP_ADD MATCH_KEYS MATCH_MAPPING MATCH_SEQUENCE NOP NOT_TAKEN
    POP_BLOCK POP_EXCEPT POP_ITER POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_NONE
    POP_JUMP_BACKWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE
    POP_JUMP_FORWARD_IF_NONE POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_IF_FALSE
    POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE POP_JUMP_IF_TRUE POP_TOP PRECALL PREP_RERAISE_STAR
    PRINT_EXPR PUSH_EXC_INFO PUSH_NULL RAISE_VARARGS RERAISE RESERVED RESUME RETURN_CONST
    RETURN_GENERATOR RETURN_VALUE ROT_FOUR ROT_N ROT_THREE ROT_TWO SEND SETUP_ANNOTATIONS
    SETUP_ASYNC_WITH SETUP_FINALLY SETUP_WITH SET_ADD SET_FUNCTION_ATTRIBUTE SET_UPDATE STORE_FAST
    STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST STORE_SLICE STORE_SUBSCR SWAP TO_BOOL UNARY_INVERT
    UNARY_NEGATIVE UNARY_NOT UNARY_POSITIVE UNPACK_EX UNPACK_SEQUENCE WITH_EXCEPT_START YIELD_FROM
    YIELD_VALUE
    """.split()
)
KNOWN = _NAMING | _NAMELESS
_CONSTANT = frozenset(("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT"))
_GLOBAL = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
_PUSHES = frozenset(
    """
    LOAD_CLOSURE LOAD_DEREF LOAD_FAST LOAD_FAST_BORROW LOAD_FAST_BORROW_LOAD_FAST_BORROW
    LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST PUSH_NULL
    """.split()
)
_STACK_STAYS = frozenset(("CACHE", "EXTENDED_ARG", "NOP", "NOT_TAKEN", "RESUME"))
_MOVES = frozenset("COPY DUP_TOP DUP_TOP_TWO ROT_FOUR ROT_N ROT_THREE ROT_TWO SWAP".split())
_BUILTINS = frozenset(vars(builtins))


class Unknown:
    """Something that an instruction left and that is no constant."""


class Builtin:
    """What the name of a builtin stands for."""


class Common:
    """One of the interpreter's own constants (3.14), such as the function `all`."""


@lru_cache(maxsize=4096)
def unknown(code: CodeType) -> str | None:
    """Return an instruction of the code that is not known here, if there is one."""
    for step in dis.get_instructions(code):
        if step.opname not in KNOWN:
            return step.opname
    return None


def stored_in_self(code: CodeType) -> frozenset[str]:
    """Return the attributes that a method sets in its first argument."""
    steps = list(dis.get_instructions(code))
    found = set()
    for before, step in zip(steps, steps[1:]):
        if step.opname == "STORE_ATTR" and "LOAD_FAST" in before.opname:
            names = before.argval if isinstance(before.argval, tuple) else (before.argval,)
            if names[-1] == code.co_varnames[0]:
                found.add(step.argval)
    return frozenset(found)


def constant_of(step: dis.Instruction) -> Any:
    """Return the constant that an instruction leaves, `Unknown` if it leaves something else."""
    if step.opname == "LOAD_COMMON_CONSTANT":
        return Common
    return step.argval if step.opname in _CONSTANT else Unknown


def compared(code: CodeType) -> Iterator[tuple[int, tuple[Any, Any]]]:
    """Find what each `is` compares: a constant, `Builtin`, or `Unknown` if it may be all else.

    The stack is followed from one jump's target to the next, downwards as far as it is sure: what
    an instruction has taken and left counts as unknown, with one more that it may have exchanged.

    Yields
    ------
    offset : int
        Of the instruction.
    operands : tuple of two
    """
    stack: list[Any] = []
    for step in dis.get_instructions(code):
        if step.is_jump_target:
            stack.clear()
        name = step.opname
        if name == "IS_OP":
            left, right = [Unknown, Unknown, *stack][-2:]
            yield step.offset, (left, right)
        if name in _STACK_STAYS:
            continue
        effect = dis.stack_effect(step.opcode, step.arg, jump=False)
        if name in _CONSTANT:
            stack.append(constant_of(step))
        elif name in _GLOBAL or name in _PUSHES:
            stack += [Unknown] * effect
            if effect == 1 and name in _GLOBAL and step.argval in _BUILTINS:
                stack[-1] = Builtin
        elif name in _MOVES:
            stack = [Unknown] * (len(stack) + effect)
        else:
            del stack[max(len(stack) - max(-effect, 0) - 1, 0) :]
            stack += [Unknown] * (max(effect, 0) + 1)
