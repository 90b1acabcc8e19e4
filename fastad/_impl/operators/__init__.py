"""The differential operators: `grad`, `jacobian`, `make_vjp` and the rest.

Each public function returns an `Operator`, which selects the argument and calls the rule
(`gradient_of`, ...) on a function of that argument alone. A rule traces the function once
(`ReverseTrace`, `make_jvp`) and sweeps.
"""
