"""Python that a strategy cannot say, and what it says instead."""

import ast

_RING = "a ring: `closes: Ring[64]`, push(self.closes, x), ago(self.closes, 1)"
_FIELD = "a field: `count: int = 0` in the class, self.count here"
_COUNTED = "for i in range(20): with a fixed number, and `break`"
_ALONE = "nothing: a strategy sees its arguments and its own fields only"

BANNED: dict[type[ast.AST], tuple[str, str]] = {
    ast.While: ("`while` may never end", _COUNTED),
    ast.AsyncFor: ("`async`", _COUNTED),
    ast.Try: ("`try`, where nothing is raised", "ratio(a, b, otherwise) or an `if` before it"),
    ast.Raise: ("`raise`, which nobody would catch", "`return`: no decision is the safe answer"),
    ast.Assert: ("`assert`, which nobody would catch", "an `if` and `return`"),
    ast.With: ("`with`, which opens something", _ALONE),
    ast.AsyncWith: ("`with`, which opens something", _ALONE),
    ast.Import: (
        "an import inside the strategy",
        "from otrade.strategy import ... at the top of the file",
    ),
    ast.ImportFrom: (
        "an import inside the strategy",
        "from otrade.strategy import ... at the top of the file",
    ),
    ast.Delete: ("`del`", "a field of your own set to 0"),
    ast.Global: ("`global`", _FIELD),
    ast.Nonlocal: ("`nonlocal`", _FIELD),
    ast.FunctionDef: ("a function inside a function", "its lines here"),
    ast.AsyncFunctionDef: ("a function inside a function", "its lines here"),
    ast.ClassDef: ("a class inside a function", "fields of the strategy"),
    ast.Match: ("`match`", "if and elif"),
    ast.Lambda: ("a function inside a function", "its expression here"),
    ast.List: ("a list, which is allocated", _RING),
    ast.ListComp: ("a list, which is allocated", _RING),
    ast.Tuple: ("a tuple, which is allocated", "one name on each line"),
    ast.Dict: ("a dict, which is allocated", "fields of the strategy"),
    ast.DictComp: ("a dict, which is allocated", "fields of the strategy"),
    ast.Set: ("a set, which is allocated", "fields of the strategy"),
    ast.SetComp: ("a set, which is allocated", "fields of the strategy"),
    ast.GeneratorExp: ("a generator, which is allocated", _COUNTED),
    ast.JoinedStr: (
        "text, which a decision cannot carry",
        'why=self.NAME, with NAME = reason("...") in the class',
    ),
    ast.Subscript: ("an index", "ago(self.closes, 1): a ring's helper cannot leave the ring"),
    ast.NamedExpr: ("`:=`", "the assignment on a line of its own"),
    ast.Await: ("`await`", "nothing: a strategy answers at once"),
    ast.Yield: ("`yield`", "nothing: a strategy answers at once"),
    ast.YieldFrom: ("`yield`", "nothing: a strategy answers at once"),
    ast.Starred: ("`*`", "each argument by itself"),
    ast.AnnAssign: ("a kind given inside a hook", "x = 0.0 here, or the field in the class"),
}
OTHERWISE = "if, for, assignments, out.buy(...)"
