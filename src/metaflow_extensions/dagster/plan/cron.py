"""Cron expressions: from the six fields of AWS, which ``@schedule`` takes, to Dagster's five.

AWS EventBridge has minute, hour, day of month, month, day of week and year; days of the week count
from 1 for Sunday; one of the two day fields is ``?``. Dagster has the first five fields; days of
the week count from 0 for Sunday; ``L`` (last) and ``#`` (nth) work, ``W`` and years do not
(``is_valid_cron_string`` and croniter in dagster).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import DagsterDeployError, verbatim

_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = tuple("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" "))
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Words that cron daemons, Argo and croniter know.
_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SHAPE = "a cron expression has five fields, or six with a year (AWS)"


@dataclass(frozen=True)
class _Field:
    """One field: its name, bounds, and the names of its values."""

    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """The value of a number or name, or None if it is neither or out of bounds."""
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.low
        if not re.fullmatch(r"[0-9]{1,4}", text):
            return None
        return int(text) if self.low <= int(text) <= self.high else None


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_UNIX_WEEKDAY = _Field("day of week", 0, 7, _WEEKDAYS)
_AWS_WEEKDAY = _Field("day of week", 1, 7, _WEEKDAYS)


def five_field_cron(expression: object, source: str) -> str:
    """The five-field expression that fires when ``expression`` does.

    Six fields are read as AWS does, five as cron does (days of the week from 0 for Sunday), with
    ``?`` for ``*``.

    Args:
        expression: As given by the user.
        source: What it was given to, for messages, such as ``@schedule``.

    Raises:
        DagsterDeployError: Not a cron expression, one that never fires, or one that five fields
            cannot express.
    """
    if not isinstance(expression, str):
        raise _refusal(source, expression, "it is not a text", "Give a cron expression as text.")
    texts = _WORDS.get(expression.strip().lower(), expression).split()
    if len(texts) not in (5, 6):
        advice = "Write minute, hour, day of month, month, day of week, such as `30 6 * * MON`."
        raise _refusal(source, expression, f"{_SHAPE}, this has {len(texts)}", advice)
    is_aws = len(texts) == 6
    try:
        return _convert(texts[:5], texts[5] if is_aws else "*", is_aws)
    except _Problem as problem:
        raise _refusal(source, expression, problem.reason, problem.advice) from None


def _convert(texts: list[str], year: str, is_aws: bool) -> str:
    minute, hour, day, month, weekday = texts
    _check_year(year)
    if is_aws and "?" not in (day, weekday) and "*" not in (day, weekday):
        reason = "AWS takes a day of month or a day of week, with ? for the other one"
        raise _Problem(reason, "For days that match either, write five fields, without the year.")
    if day == "?" and weekday == "?":
        reason = "both day of month and day of week are ?"
        raise _Problem(reason, "Write * for one of them.")
    fields = [
        _plain_field(_MINUTE, minute),
        _plain_field(_HOUR, hour),
        _day_field(day),
        _plain_field(_MONTH, month),
        _weekday_field(weekday, is_aws),
    ]
    _check_fires(fields)
    return " ".join(fields)


class _Problem(Exception):
    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason, self.advice = reason, advice


def _refusal(source: str, expression: object, reason: str, advice: str) -> DagsterDeployError:
    return DagsterDeployError(
        f"The cron expression *{verbatim(expression)}* of *{source}* cannot be used: "
        f"{verbatim(reason)}. {verbatim(advice)}"
    )


def _check_year(year: str) -> None:
    """Dagster's cron has no years: only every year can be said."""
    if year == "?":  # Quartz's six fields begin with seconds.
        raise _Problem(
            "the year field is ?, which AWS does not take: this looks like an expression that "
            "begins with seconds",
            "Leave the seconds out: minute, hour, day of month, month, day of week.",
        )
    if year not in ("*", "*/1", "1970-2199"):
        raise _Problem(
            f"the year field is {year}, and Dagster's schedules have no years",
            "Leave the year open (*), and stop the schedule in Dagster when its time is over.",
        )


def _day_field(text: str) -> str:
    if text == "?":
        return "*"
    if "W" in text.upper():
        raise _Problem(
            f"the day of month field is {text}, and Dagster's schedules have no nearest weekday",
            "Choose days of the week, or a day of month.",
        )
    if text.upper() == "L":
        return "L"
    return _plain_field(_DAY, text)


def _weekday_field(text: str, is_aws: bool) -> str:
    """Days of the week, renumbered from AWS's 1-7 to cron's 0-6; names stay names."""
    if text in ("?", "*"):
        return "*"
    field = _AWS_WEEKDAY if is_aws else _UNIX_WEEKDAY
    shift = 1 if is_aws else 0
    upper = text.upper()
    if upper == "L" and is_aws:
        return "6"  # The last day of the week, Saturday.
    last = re.fullmatch(r"(\w+)L" if is_aws else r"L(\w+)", upper)
    if last and (number := field.number(last[1])) is not None:
        return f"L{(number - shift) % 7}"
    nth = re.fullmatch(r"(\w+)#([1-5])", upper)
    if nth and (number := field.number(nth[1])) is not None:
        return f"{(number - shift) % 7}#{nth[2]}"
    plain = _plain_field(field, text)
    if not shift or not re.search(r"[0-9]", plain):
        return plain
    return ",".join(str(number - shift) for number in sorted(_values(field, plain)))


def _plain_field(field: _Field, text: str) -> str:
    """Checks a field of numbers, names, ranges, lists and steps; returns it as cron knows it.

    AWS's ``5/15`` (from 5 on) becomes ``5-59/15``, and a range that wraps around becomes a list.
    """
    parts: list[str] = []
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (re.fullmatch(r"[0-9]{1,4}", step) and int(step) > 0):
            raise _bad(field, text)
        first, dash, last = span.partition("-")
        if span == "*":
            parts.append("*" + slash + step)
            continue
        low = field.number(first)
        high = field.number(last) if dash else _top(field) if slash else low
        if low is None or high is None:
            raise _bad(field, text)
        if low == high:
            parts.append(first.upper())  # croniter takes 5-5 for every value there is.
        elif low > high:
            parts += [str(number) for number in _wrapped(field, low, high, int(step or 1))]
        elif slash and not dash:
            parts.append(f"{low}-{high}/{step}")
        else:
            parts.append(part.upper())
    return ",".join(parts)


def _top(field: _Field) -> int:
    """The last value of a field; cron's second Sunday, 7, is none of its own."""
    return field.high - 1 if field.low == 0 and field.high == 7 else field.high


def _wrapped(field: _Field, low: int, high: int, step: int) -> list[int]:
    count = _top(field) - field.low + 1
    length = (high - low) % count + 1
    return [(low - field.low + i) % count + field.low for i in range(0, length, step)]


def _values(field: _Field, text: str) -> set[int]:
    """All values that a checked field names."""
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        low = field.low if span == "*" else field.number(first)
        high = _top(field) if span == "*" else field.number(last if dash else first)
        assert low is not None
        assert high is not None
        values.update(range(low, high + 1, int(step or 1)))
    return values


def _bad(field: _Field, text: str) -> _Problem:
    names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return _Problem(
        f"{text} is not a valid {field.label}",
        f"Use {field.low} to {field.high}{names}, with ranges (a-b), lists (a,b) and steps (*/n).",
    )


def _check_fires(fields: list[str]) -> None:
    """Dagster looks for ever for the next tick of a schedule on 31 April."""
    _, _, day, month, weekday = fields
    if weekday != "*" or day == "L":
        return
    days, months = _values(_DAY, day), _values(_MONTH, month)
    if all(min(days) > _MONTH_DAYS[number - 1] for number in months):
        raise _Problem(f"no month in {month} has a day {day}", "Choose a day that the months have.")
