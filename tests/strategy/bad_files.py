# ruff: noqa: E501 - a message is one line
"""Strategy files that must be refused, and the whole message of each: where, what, and what to write.

`BODIES`: lines of `on_bar` after HEAD, and what is said, with the line counted from the first of them.
`FILES`: whole files; `@@` stands for a good first line of imports.
"""

HEAD = """\
from otrade.strategy import Bollinger, Ema, ExitReason, Ring, Sma, Strategy
from otrade.strategy import ago, bars, bollinger, ema, param, push, ratio, reason, root, sma, whole
MOST = 7
class S(Strategy):
    'Words.'
    period: int = param(9, 1, 200, "bars")
    room: float = param(5.0, 0, 200, "bps")
    slower = bars(15)
    fast: Ema
    mean: Sma[64]
    bands: Bollinger[32]
    closes: Ring[32]
    high: float = 0.0
    n: int = 0
    armed: bool = False
    UP = reason("up")
    def on_bar(self, bar, pos, out):
"""
IMPORTS = "from otrade.strategy import Ema, Ring, Strategy, bars, param, reason, timer\n"

BODIES: list[tuple[str, str]] = [
    (
        "self.hihg = bar.high",
        "1:9: there is no field `hihg`; write self.high, or `hihg: float = 0.0` in the class instead",
    ),
    ("x = bar.hgih", "1:13: bar has no `hgih`; write bar.high instead"),
    ("x = highh", "1:13: there is no `highh`; write highest instead"),
    ("x = emma(self.fast, bar.close, 9)", "1:13: there is no function `emma`; write ema instead"),
    ("x = self.hihg", "1:13: there is no field `hihg`; write self.high instead"),
    ("x = self.slower.clsoe", "1:13: self.slower has no `clsoe`; write self.slower.close instead"),
    ("x = self.bands.uper", "1:13: Bollinger has no `uper`; write self.bands.upper instead"),
    ("x = self.bandz.upper", "1:13: there is no field `bandz`; write self.bands instead"),
    ("x = self.n.value", "1:13: `n` is int and has no `value`; write self.n instead"),
    ("x = pos.is_flatt", "1:13: pos has no `is_flatt`; write pos.is_flat instead"),
    (
        "x = clock.phase",
        "1:13: `clock` is not among the arguments of on_bar; write def on_bar(self, bar, pos, clock, out): instead",
    ),
    ("x = bar", "1:13: `bar` by itself; write a field of it, like bar.open instead"),
    ("x = self", "1:13: `self` by itself; write a field of it, like self.period instead"),
    ("x = ema", "1:13: `ema` without its arguments; write ema(...) instead"),
    (
        "x = self.fast",
        "1:13: `fast` is the memory of an indicator; write what it gave, or self.fast.value instead",
    ),
    (
        "x = self.slower",
        "1:13: `slower` is bars of another length; write self.slower.close instead",
    ),
    (
        "while bar.close > 0.0:\n    pass",
        "1:9: `while` may never end; write for i in range(20): with a fixed number, and `break` instead",
    ),
    (
        "for i in range(self.period):\n    pass",
        "1:24: a loop whose length is not a constant; write for i in range(200): and `if i >= self.period: break` inside instead",
    ),
    (
        "for i in range(100000):\n    pass",
        "1:18: a loop of 100000 rounds; write 1 to 4096 rounds instead",
    ),
    ("for i in range(0):\n    pass", "1:18: a loop of 0 rounds; write 1 to 4096 rounds instead"),
    (
        "for x in self.closes:\n    pass",
        "1:18: a loop over something else than range(number); write for i in range(20): instead",
    ),
    (
        "for i in range(0, 10, 2):\n    pass",
        "1:18: a loop over something else than range(number); write for i in range(20): instead",
    ),
    (
        "for i in range(3):\n    pass\nelse:\n    pass",
        "4:13: `else` of a loop; write the lines after the loop instead",
    ),
    (
        "for i, j in range(3):\n    pass",
        "1:13: a loop over something else than one name; write for i in range(20): instead",
    ),
    (
        "for i in range(10**9):\n    pass",
        "1:24: the operator **; write x * x for a power; and, or, not for bits instead",
    ),
    (
        "x = self.closes[40]",
        "1:13: an index; write ago(self.closes, 1): a ring's helper cannot leave the ring instead",
    ),
    (
        "self.closes[3] = 1.0",
        "1:9: an index; write ago(self.closes, 1): a ring's helper cannot leave the ring instead",
    ),
    (
        "self.closes.v = 1.0",
        "1:9: `closes` belongs to its indicator; write a field of your own instead",
    ),
    (
        "self.bands.upper = 1.0",
        "1:9: `bands` belongs to its indicator; write a field of your own instead",
    ),
    (
        "bar.close = 1.0",
        "1:9: `bar` belongs to the engine; write out.buy(...), or a field of your own instead",
    ),
    (
        "pos.qty = 1",
        "1:9: `pos` belongs to the engine; write out.buy(...), or a field of your own instead",
    ),
    (
        "out.action = 1",
        "1:9: `out` belongs to the engine; write out.buy(...), or a field of your own instead",
    ),
    (
        "self.period = 3",
        "1:9: `period` is a parameter and stays as the user set it; write a field: `my_period: int = 0` instead",
    ),
    ("self.UP = 3", "1:9: `UP` stays as the class says; write a field of your own instead"),
    ("self.slower = 3", "1:9: `slower` stays as the class says; write a field of your own instead"),
    (
        "self.fast = 1.0",
        "1:9: `fast` is the memory of an indicator; write ema(self.fast, ...) instead",
    ),
    (
        "x = 1.0 / bar.volume",
        "1:19: a divisor that may be 0; write ratio(1.0, bar.volume, 0.0) instead",
    ),
    (
        "x = bar.close / (self.period - 1)",
        "1:26: a divisor that may be 0; write ratio(bar.close, self.period - 1, 0.0) instead",
    ),
    (
        "x = bar.close / self.n",
        "1:25: a divisor that may be 0; write ratio(bar.close, self.n, 0.0) instead",
    ),
    (
        "if self.n > -1:\n    x = 1.0 / self.n",
        "2:23: a divisor that may be 0; write ratio(1.0, self.n, 0.0) instead",
    ),
    (
        "x = 1.0 / (bar.close - bar.open)",
        "1:20: a divisor that may be 0; write ratio(1.0, bar.close - bar.open, 0.0) instead",
    ),
    (
        "x = bar.index // bar.volume",
        "1:13: `//` or `%` by something else than a constant whole number above 0; write whole(ratio(a, b, 0.0), 0, 1000), or a constant instead",
    ),
    (
        "x = bar.index % 0",
        "1:13: `//` or `%` by something else than a constant whole number above 0; write whole(ratio(a, b, 0.0), 0, 1000), or a constant instead",
    ),
    (
        "x = bar.close % 2",
        "1:13: `//` or `%` by something else than a constant whole number above 0; write whole(ratio(a, b, 0.0), 0, 1000), or a constant instead",
    ),
    (
        "x = bar.ts_open_ns / 2",
        "1:13: a whole number too large to be divided exactly; write float(bar.ts_open_ns) instead",
    ),
    (
        "x = bar.ts_open_ns * bar.volume",
        "1:13: a whole number that may not fit into 64 bits; write float(...) around a part of it instead",
    ),
    (
        "x = bar.ts_open_ns > bar.close",
        "1:13: a whole number too large to be compared exactly; write float(bar.ts_open_ns) instead",
    ),
    (
        "self.n = self.n + self.n",
        "1:9: `self.n` may outgrow a whole number; write float(...), or min(..., 1000000) instead",
    ),
    (
        "self.n = self.n * 3",
        "1:9: `self.n` may outgrow a whole number; write float(...), or min(..., 1000000) instead",
    ),
    (
        "self.n = bar.ts_end_ns",
        "1:9: `self.n` may outgrow a whole number; write float(...), or min(..., 1000000) instead",
    ),
    (
        "x = 9007199254740993",
        "1:13: the whole number 9007199254740993; write at most 1099511627776, or a float: 9007199254740993.0 instead",
    ),
    ("x = 1e999", "1:13: a number too large for a float; write at most 1e308 instead"),
    (
        "import os",
        "1:9: an import inside the strategy; write from otrade.strategy import ... at the top of the file instead",
    ),
    (
        "x = 'text'",
        '1:13: text in a hook; write why=self.NAME, with NAME = reason("...") in the class instead',
    ),
    (
        "x = f'{bar.close}'",
        '1:13: text, which a decision cannot carry; write why=self.NAME, with NAME = reason("...") in the class instead',
    ),
    (
        "x = [1.0, 2.0]",
        "1:13: a list, which is allocated; write a ring: `closes: Ring[64]`, push(self.closes, x), ago(self.closes, 1) instead",
    ),
    ("x = {1: 2}", "1:13: a dict, which is allocated; write fields of the strategy instead"),
    ("x = (1, 2)", "1:13: a tuple, which is allocated; write one name on each line instead"),
    ("a, b = 1, 2", "1:16: a tuple, which is allocated; write one name on each line instead"),
    ("a = b = 1", "1:9: two names in one assignment; write one assignment a line instead"),
    (
        "raise ValueError",
        "1:9: `raise`, which nobody would catch; write `return`: no decision is the safe answer instead",
    ),
    (
        "assert bar.close > 0",
        "1:9: `assert`, which nobody would catch; write an `if` and `return` instead",
    ),
    (
        "try:\n    x = 1\nexcept Exception:\n    pass",
        "1:9: `try`, where nothing is raised; write ratio(a, b, otherwise) or an `if` before it instead",
    ),
    (
        "with open('x') as f:\n    pass",
        "1:9: `with`, which opens something; write nothing: a strategy sees its arguments and its own fields only instead",
    ),
    ("del x", "1:9: `del`; write a field of your own set to 0 instead"),
    (
        "global x",
        "1:9: `global`; write a field: `count: int = 0` in the class, self.count here instead",
    ),
    ("def f():\n    pass", "1:9: a function inside a function; write its lines here instead"),
    ("class C:\n    pass", "1:9: a class inside a function; write fields of the strategy instead"),
    ("x = lambda: 1", "1:13: a function inside a function; write its expression here instead"),
    ("x = (y := 1)", "1:14: `:=`; write the assignment on a line of its own instead"),
    (
        "x: int = 1",
        "1:9: a kind given inside a hook; write x = 0.0 here, or the field in the class instead",
    ),
    ("yield 1", "1:9: `yield`; write nothing: a strategy answers at once instead"),
    ("match bar.index:\n    case 1:\n        pass", "1:9: `match`; write if and elif instead"),
    ("x = None", "1:13: `None`; write a number, True or False instead"),
    ("x = ...", "1:13: `...`; write a number, True or False instead"),
    ("x = b'x'", "1:13: `b'x'`; write a number, True or False instead"),
    (
        "return 1",
        "1:9: a hook returns nothing; write out.buy(...) or another decision, and `return` instead",
    ),
    (
        "self.on_bar(bar, pos, out)",
        "1:9: a hook that is called; write its lines here: the engine calls the hooks instead",
    ),
    (
        "on_bar(self, bar, pos, out)",
        "1:9: a hook that is called; write its lines here: the engine calls the hooks instead",
    ),
    (
        "print(bar.close)",
        "1:9: there is no function `print`; write a word of docs/strategies.md instead",
    ),
    (
        "x = open('/etc/passwd')",
        "1:13: there is no function `open`; write a word of docs/strategies.md instead",
    ),
    (
        "x = time.time()",
        "1:13: a call of something that is no word of ours; write a word of docs/strategies.md instead",
    ),
    (
        "x = self.fast.update(3)",
        "1:13: a call of something that is no word of ours; write a word of docs/strategies.md instead",
    ),
    (
        "x = (lambda: 1)()",
        "1:13: a call of something that is no word of ours; write a word of docs/strategies.md instead",
    ),
    (
        "x = int(bar.close)",
        "1:13: int(), which has no answer for NaN; write whole(x, 0, 100) instead",
    ),
    (
        "x = round(bar.close)",
        "1:13: round(), which has no answer for NaN; write whole(x, 0, 100) instead",
    ),
    (
        "x = bar.close ** 2",
        "1:13: the operator **; write x * x for a power; and, or, not for bits instead",
    ),
    (
        "x = bar.index & 3",
        "1:13: the operator &; write x * x for a power; and, or, not for bits instead",
    ),
    ("x = ~bar.index", "1:13: the operator ~; write `not` instead"),
    ("x = bar.close is None", "1:13: `is` and `in`; write == or != instead"),
    ("x = bar.close in (1, 2)", "1:13: `is` and `in`; write == or != instead"),
    ("self.n = bar.close", "1:9: `n` is int and this is float; write whole(x, 0, 100) instead"),
    ("self.armed = bar.index", "1:9: `armed` is bool and this is int; write x > 0 instead"),
    (
        "self.high = pos.is_flat",
        "1:9: `high` is float and this is bool; write 1.0 if x else 0.0 instead",
    ),
    (
        "x = 0\nx = bar.close",
        "2:9: `x` was int and becomes float; write another name, or 0.0 for 0 instead",
    ),
    (
        "x = max(0, bar.close)",
        "1:13: a value that is float or int; write both of one kind: 0.0 for 0, float(x) for x instead",
    ),
    (
        "x = bar.close if pos.is_flat else 0",
        "1:13: a value that is float or int; write both of one kind: 0.0 for 0, float(x) for x instead",
    ),
    (
        "x = pos.is_flat + 1",
        "1:13: arithmetic on a bool; write 1 if x else 0, or a comparison instead",
    ),
    (
        "if bar.close and pos.is_flat:\n    pass",
        "1:12: `and` and `or` join conditions; write a comparison: x != 0 instead",
    ),
    (
        "if bar.close:\n    pass",
        "1:12: a condition that is a float; write a comparison: x > 0.0 instead",
    ),
    ("x = not bar.close", "1:17: a condition that is a float; write a comparison: x > 0.0 instead"),
    (
        "x = -pos.is_flat",
        "1:14: arithmetic on a bool; write 1 if x else 0, or a comparison instead",
    ),
    (
        "x = pos.is_flat == True",
        "1:13: arithmetic on a bool; write 1 if x else 0, or a comparison instead",
    ),
    (
        "if pos.is_flat:\n    x = 1.0\nself.high = x",
        "3:21: `x` is not set on every way to here; write x = ... before the `if` or `for` instead",
    ),
    (
        "for i in range(3):\n    x = 1.0\nself.high = x",
        "3:21: `x` is not set on every way to here; write x = ... before the `if` or `for` instead",
    ),
    ("self.high = x\nx = 1.0", "1:21: there is no `x`; write a word of docs/strategies.md instead"),
    (
        "x = self.UP",
        "1:9: a reason in a variable; write why=self.NAME where the decision is instead",
    ),
    (
        "x = ema(self.closes, bar.close, 9)",
        "1:17: ema needs a field of kind Ema; write self.closes, with `closes: Ema` in the class instead",
    ),
    (
        "x = ema(bar.close, 9)",
        "1:13: ema takes 3 arguments; write ema(self.ema, x, period) instead",
    ),
    (
        "x = ema(self.fast, bar.close, period=9)",
        "1:13: ema takes its arguments by place; write ema(a, b) instead",
    ),
    (
        "x = ema(self.fast, bar.close, self.n)",
        "1:39: a period that may be below 1; write a parameter whose lowest is 1 or more, or max(self.n, 1) instead",
    ),
    (
        "x = sma(self.mean, bar.close, self.period)",
        "1:39: a period of up to 200 in a window of 64; write a window of 256 instead",
    ),
    (
        "x = sma(self.mean, bar.close, 0)",
        "1:39: a period that may be below 1; write a parameter whose lowest is 1 or more, or max(0, 1) instead",
    ),
    (
        "x = ago(self.closes, bar.close)",
        "1:30: ago needs a whole number as `k`; write whole(bar.close, 0, 100) instead",
    ),
    (
        "x = bollinger(self.mean, bar.close, 20, 2.0)",
        "1:23: bollinger needs a field of kind Bollinger; write self.mean, with `mean: Bollinger[64]` in the class instead",
    ),
    (
        "x = push(self.closes, 1.0)",
        "1:9: nothing is given that could be kept; write the call on a line of its own instead",
    ),
    ("ratio(1.0, 2.0, 3.0)", "1:9: a value that nobody uses; write x = ... or nothing instead"),
    ("bar.close", "1:9: a value that nobody uses; write x = ... or nothing instead"),
    ("x = max(bar.close)", "1:13: max of one value; write max(a, b) instead"),
    ("x = abs(1, 2)", "1:13: abs with 2 arguments; write abs(x) instead"),
    (
        "x = whole(bar.close, 0.5, 3)",
        "1:30: whole needs a whole number as `low`; write whole(0.5, 0, 100) instead",
    ),
    ("x = min(1, *2)", "1:13: min takes its arguments by place; write min(a, b) instead"),
    ("out.bye(stop=1.0)", "1:9: there is no decision out.bye; write out.buy instead"),
    (
        "out.buy(1.0)",
        "1:9: out.buy takes stop, stop_distance, target, target_distance, qty, why, inputs, by name; write out.buy(stop=..., stop_distance=..., target=..., target_distance=..., qty=..., why=..., inputs=...) instead",
    ),
    (
        "out.buy(stop=True)",
        "1:22: stop is float and this is bool; write stop=bar.close - 10.0 instead",
    ),
    (
        "out.buy(why=3)",
        '1:21: why is reason and this is int; write why=self.NAME, with NAME = reason("...") in the class instead',
    ),
    ("out.buy(qty=1.5)", "1:21: qty is int and this is float; write whole(x, 1, 1000) instead"),
    (
        "out.buy(qty=0)",
        "1:21: a quantity that is never above 0; write a quantity above 0, or none: the plan's size instead",
    ),
    (
        "out.buy(price=3.0)",
        "1:9: out.buy takes stop, stop_distance, target, target_distance, qty, why, inputs, by name; write out.buy(stop=..., stop_distance=..., target=..., target_distance=..., qty=..., why=..., inputs=...) instead",
    ),
    ("out.move_stop()", "1:9: out.move_stop without a stop; write out.move_stop(stop=...) instead"),
    (
        "out.exit(stop=1.0)",
        "1:9: out.exit takes why, inputs, by name; write out.exit(why=..., inputs=...) instead",
    ),
    (
        "out.buy(stop=1.0, stop_distance=2.0)",
        "1:9: both stop and stop_distance; write one of them: a price stays, a distance follows the fill instead",
    ),
    (
        "out.buy(inputs=3.0)",
        "1:24: inputs are 1 to 4 numbers in brackets; write inputs=(self.high, bar.close) instead",
    ),
    (
        "out.buy(inputs=(1, 2, 3, 4, 5))",
        "1:24: inputs are 1 to 4 numbers in brackets; write inputs=(self.high, bar.close) instead",
    ),
    (
        "x = out.buy()",
        "1:13: a decision inside an expression; write out.buy(...) on a line of its own instead",
    ),
    (
        "out.buy()\nout.exit()",
        "2:9: a second decision in one call, which nobody would hear; write `return` after the first, or elif instead",
    ),
    (
        "if pos.is_flat:\n    out.buy()\nout.exit()",
        "3:9: a second decision in one call, which nobody would hear; write `return` after the first, or elif instead",
    ),
    (
        "for i in range(3):\n    out.buy()",
        "1:9: a decision in a loop that goes on; write `break` or `return` after the decision instead",
    ),
    (
        "for i in range(3):\n    if pos.is_flat:\n        out.buy()\n        continue",
        "4:17: a decision in a loop that goes on; write `break` or `return` after the decision instead",
    ),
    (
        "for i in range(3):\n    if pos.is_flat:\n        out.buy()\n        break\nout.exit()",
        "5:9: a second decision in one call, which nobody would hear; write `return` after the first, or elif instead",
    ),
    ("max = 3", "1:9: `max` is a word already; write max_ or another name instead"),
    ("bar = 3", "1:9: `bar` is a word already; write bar_ or another name instead"),
    ("MOST = 3", "1:9: `MOST` is a name of the file; write another name instead"),
    ("S = 3", "1:9: `S` is a name of the file; write another name instead"),
    (
        "_s = 3",
        "1:9: the name `_s`; write a name of plain letters that does not begin with _ instead",
    ),
    (
        "é = 1",
        "1:9: the name `é`; write a name of plain letters that does not begin with _ instead",
    ),
    (
        "x = self.__class__",
        "1:13: there is no field `__class__`; write one of self.UP, self.armed, self.bands, self.closes, self.fast, self.high, self.mean, self.n, self.period, self.room, self.slower instead",
    ),
    (
        "x = bar.__class__",
        "1:13: bar has no `__class__`; write one of bar.close, bar.count, bar.day, bar.gap, bar.high, bar.index, bar.low, bar.minute_of_session, bar.n_trades, bar.open, bar.ts_end_ns, bar.ts_open_ns, bar.volume instead",
    ),
    ("x = ExitReason.STOPP", "1:13: there is no ExitReason.STOPP; write ExitReason.STOP instead"),
    (
        "return\nx = 1",
        "2:9: a line that never runs; write it before the line that leaves, or nothing instead",
    ),
    (
        "for i in range(3):\n    break\n    x = 1",
        "3:13: a line that never runs; write it before the line that leaves, or nothing instead",
    ),
    (
        "x = " + "1 + " * 600 + "1",
        "1:9: an expression or block nested too deep; write several lines instead",
    ),
    (
        "x = bar.close.real",
        "1:13: a field of something else than self and the hook's arguments; write self.name, bar.close or pos.is_flat instead",
    ),
    (
        "x = self.fast.seen.real",
        "1:13: a field of something else than self and the hook's arguments; write self.name, bar.close or pos.is_flat instead",
    ),
]
FILES: list[tuple[str, str]] = [
    ("x = (", "1:5: '(' was never closed; write valid Python instead"),
    (
        "import os\n",
        "1:1: an import of something else; write from otrade.strategy import ... instead",
    ),
    (
        "from os import path\n",
        "1:1: an import of something else; write from otrade.strategy import ... instead",
    ),
    ("from otrade.strategy import emma\n", "1:29: there is no word `emma`; write ema instead"),
    (
        "from otrade.strategy import ema as e\n",
        "1:29: a word under another name; write ema instead",
    ),
    (
        "from otrade.strategy import *\n",
        "1:29: there is no word `*`; write a word of docs/strategies.md instead",
    ),
    (
        "from __future__ import annotations\n",
        "1:1: an import of something else; write from otrade.strategy import ... instead",
    ),
    (
        "x = open('/etc/passwd')\n",
        "1:5: something else than a constant of kind int or float or bool; write a plain number instead",
    ),
    (
        "x = 1 + 2\n",
        "1:5: something else than a constant of kind int or float or bool; write a plain number instead",
    ),
    (
        "def f():\n    pass\n",
        "1:1: something else than a constant or the one class; write class Name(Strategy): once, at the top instead",
    ),
    (
        "",
        "1:1: no strategy; write class Name(Strategy): with def on_bar(self, bar, pos, out): instead",
    ),
    ("x = 1\x00", "1:1: source code string cannot contain null bytes; write valid Python instead"),
    ("x = 1\nx = 2\n", "2:1: `x` stands twice; write another name instead"),
    ("ema = 3\n", "1:1: `ema` is a word already; write ema_ or another name instead"),
    ("class S:\n    pass\n", "1:1: a class that is no strategy; write class S(Strategy): instead"),
    (
        "class S(Strategy):\n    pass\n",
        "1:9: `Strategy` is not imported; write from otrade.strategy import Strategy at the top of the file instead",
    ),
    ("@S class S(Strategy):\n    pass\n", "1:4: invalid syntax; write valid Python instead"),
    (
        "@f\nclass S(Strategy):\n    def on_bar(self, bar, out):\n        pass\n",
        "2:1: a class that is no strategy; write class S(Strategy): instead",
    ),
    (
        "@@class Ema(Strategy):\n    def on_bar(self, bar, out):\n        pass\n",
        "2:1: `Ema` is a word already; write Ema_ or another name instead",
    ),
    (
        "@@class S(Strategy):\n    pass\n",
        "2:1: a strategy without a hook; write def on_bar(self, bar, pos, out): instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(self, bar, out):\n        pass\nclass T(Strategy):\n    pass\n",
        "5:1: a second class; write one strategy a file instead",
    ),
    (
        "@@class S(Strategy):\n    r: Ring[40]\n",
        "3:8: a window of 40; write Ring[64]: a power of two, 2 to 4096 instead",
    ),
    (
        "@@class S(Strategy):\n    r: Ring\n",
        "3:8: Ring without its longest window; write Ring[64]: a power of two, 2 to 4096 instead",
    ),
    ("@@class S(Strategy):\n    r: Ema[4]\n", "3:8: Ema has no window; write Ema instead"),
    (
        "@@class S(Strategy):\n    r: Ema = 3\n",
        "3:14: a first value of an indicator's memory; write r: Ema instead",
    ),
    ("@@class S(Strategy):\n    r: Emma\n", "3:8: a field of kind Emma; write Ema instead"),
    (
        "@@class S(Strategy):\n    r: Wma[4]\n",
        "3:8: `Wma` is not imported; write from otrade.strategy import Wma at the top of the file instead",
    ),
    (
        "@@class S(Strategy):\n    r: list[int]\n",
        "3:8: a field of another kind; write int, float, bool, Ema or Ring[64] instead",
    ),
    ("@@class S(Strategy):\n    name: str = 'x'\n", "3:11: a field of kind str; write Atr instead"),
    (
        "@@class S(Strategy):\n    p: int = param(9, 20, 200, 'x')\n",
        "3:20: the default 9, outside 20 to 200; write a default inside instead",
    ),
    (
        "@@class S(Strategy):\n    p: int = param(9, 2)\n",
        '3:14: a parameter without default, lowest, highest and words; write p: int = param(10, 1, 100, "what it is") instead',
    ),
    (
        "@@class S(Strategy):\n    p: bool = param(9, 2, 20, 'x')\n",
        "3:8: a parameter that is no number; write int or float instead",
    ),
    (
        "@@class S(Strategy):\n    p: int = param(9.5, 2, 20, 'x')\n",
        "3:20: something else than a constant of kind int; write a plain number instead",
    ),
    (
        "@@class S(Strategy):\n    p: int = param(9, 2, 20, ' ')\n",
        "3:30: a parameter without words; write what it is, for the page instead",
    ),
    (
        "@@class S(Strategy):\n    p = 3\n",
        '3:5: `p` has no kind; write p: float = 0.0, or p = reason("...") instead',
    ),
    (
        "@@class S(Strategy):\n    n: int\n",
        "3:5: `n` without its first value; write n: int = 0 instead",
    ),
    (
        "@@class S(Strategy):\n    n: int = 1.5\n",
        "3:14: something else than a constant of kind int; write a plain number instead",
    ),
    (
        "@@class S(Strategy):\n    n: int = 10**30\n",
        "3:14: something else than a constant of kind int; write a plain number instead",
    ),
    (
        "@@class S(Strategy):\n    n: int = 1\n    n: int = 2\n",
        "4:5: `n` stands twice; write another name instead",
    ),
    (
        "@@class S(Strategy):\n    call: int = 1\n",
        "3:5: `call` is a word of the base class; write my_call instead",
    ),
    (
        "@@class S(Strategy):\n    sma: int = 1\n",
        "3:5: `sma` is a word already; write sma_ or another name instead",
    ),
    (
        "@@class S(Strategy):\n    R = reason('')\n",
        '3:9: a reason without words; write R = reason("the range is broken") instead',
    ),
    (
        "@@class S(Strategy):\n    R = reason(3)\n",
        '3:9: a reason without words; write R = reason("the range is broken") instead',
    ),
    ("@@class S(Strategy):\n    b = bars(0)\n", "3:14: bars of 0 minutes; write 1 to 375 instead"),
    (
        "@@class S(Strategy):\n    b = bars('5m')\n",
        "3:14: something else than a constant of kind int; write a plain number instead",
    ),
    (
        "@@class S(Strategy):\n    b = bars(5)\n    c = bars(5)\n",
        "4:9: bars of 5 minutes for the second time; write the first name instead",
    ),
    (
        "@@class S(Strategy):\n    a = bars(1)\n    b = bars(2)\n    c = bars(3)\n    d = bars(4)\n    e = bars(5)\n",
        "7:9: more than 4 further bar lengths; write at most 4 instead",
    ),
    (
        "@@class S(Strategy):\n    t = timer(0)\n",
        "3:15: a timer of 0 seconds; write 1 to 22500 instead",
    ),
    (
        "@@class S(Strategy):\n    t = timer(5)\n    u = timer(6)\n    def on_timer(self, out):\n        pass\n",
        "4:9: a second timer; write one timer a strategy instead",
    ),
    (
        "@@class S(Strategy):\n    t = timer(5)\n    def on_bar(self, bar, out):\n        pass\n",
        "2:1: a timer without on_timer; write def on_timer(self, market, pos, clock, out): or fewer of them, or no timer instead",
    ),
    (
        "@@class S(Strategy):\n    def on_timer(self, out):\n        pass\n",
        "3:5: on_timer without a timer; write every = timer(30) in the class: seconds instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(self, bars):\n        pass\n",
        "3:5: other arguments of on_bar; write def on_bar(self, bar, market, pos, clock, out): or fewer of them instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(bar, out):\n        pass\n",
        "3:5: other arguments of on_bar; write def on_bar(self, bar, market, pos, clock, out): or fewer of them instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(self, bar, out=None):\n        pass\n",
        "3:5: other arguments of on_bar; write def on_bar(self, bar, market, pos, clock, out): or fewer of them instead",
    ),
    (
        "@@class S(Strategy):\n    def on_tick(self, bar, out):\n        pass\n",
        "3:5: other arguments of on_tick; write def on_tick(self, market, pos, clock, out): or fewer of them instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(self, bar, out):\n        pass\n    def on_bar(self, bar, out):\n        pass\n",
        "5:5: `on_bar` stands twice; write one of it instead",
    ),
    (
        "@@class S(Strategy):\n    def helper(self):\n        pass\n",
        "3:5: a function `helper`; write its lines where they are needed; the hooks are on_bar, on_tick, on_timer, on_fill instead",
    ),
    (
        "@@class S(Strategy):\n    async def on_bar(self, bar, out):\n        pass\n",
        "3:5: something else than a field or a hook; write fields, then on_bar, on_tick, on_timer, on_fill instead",
    ),
    (
        "@@class S(Strategy):\n    @property\n    def on_bar(self, bar, out):\n        pass\n",
        "3:6: a decorator; write the hook alone: def on_bar(self, bar, market, pos, clock, out): or fewer of them instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(self, bar):\n        out.buy()\n",
        "4:9: there is no `out`; write out among the hook's arguments instead",
    ),
    (
        "@@class S(Strategy):\n    def on_bar(self, bar, out):\n        x = ("
        + "(" * 300
        + "1"
        + ")" * 301
        + "\n",
        "4:213: too many nested parentheses; write valid Python instead",
    ),
    (
        "@@class S(Strategy):\n    r0: Ring[4096]\n    r1: Ring[4096]\n    r2: Ring[4096]\n    def on_bar(self, bar, out):\n        pass\n",
        "2:1: a state of 98376 bytes; write shorter windows: at most 65536 bytes instead",
    ),
    (
        "x = " + "1 + " * 9000 + "1",
        "1:1: a file that cannot be read (maximum recursion depth exceeded during ast construction); write shorter expressions instead",
    ),
    (
        "@@class S(Strategy):\n    high: float = 0.0\n    def on_bar(self, bar, out):\n"
        + "        self.high = self.high * 1.5 + bar.close\n" * 600,
        "4:5: on_bar has 10805 parts; write at most 5000 instead",
    ),
    (
        "from otrade.strategy import Strategy\nclass S(Strategy):\n    def on_bar(self, bar, out):\n        x = root(2.0)\n",
        "4:13: `root` is not imported; write from otrade.strategy import root at the top of the file instead",
    ),
    (
        "from otrade.strategy import Strategy\nclass S(Strategy):\n    fast: Ema\n    def on_bar(self, bar, out):\n        pass\n",
        "3:11: `Ema` is not imported; write from otrade.strategy import Ema at the top of the file instead",
    ),
    ("# " + "x" * 70_000, "1:1: a file of more than 65536 bytes; write a shorter one instead"),
]
