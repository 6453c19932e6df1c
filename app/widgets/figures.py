"""Numbers as people read them: few digits, thousands apart, a true minus sign."""

import math

MINUS = "\N{MINUS SIGN}"


def count(value: float) -> str:
    """A whole number with thousands apart: 28,412."""
    return f"{round(value):,}".replace("-", MINUS)


def change(value: int) -> str:
    """A gain or a loss: +612, −241, 0."""
    return f"+{value:,}" if value > 0 else count(value)


def number(value: float, digits: int = 3) -> str:
    """A real number with `digits` significant ones: 0.0312, 1.6e-4, 27.9; "none" for NaN."""
    if not math.isfinite(value):
        return "none"
    if value and not 1e-4 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{float(text):,.0f}"
    return text.replace("-", MINUS)


def percent(part: float, whole: float) -> str:
    """A share: 1.4 %, with two significant digits below ten; 0 % of nothing."""
    share = 100 * part / whole if whole else 0.0
    if share and share < 0.01:
        return "< 0.01 %"
    return f"{share:.0f} %" if share >= 10 else f"{float(f'{share:.2g}'):g} %"
