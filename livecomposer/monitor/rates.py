"""How often something may happen. Pure."""


class Rate:
    """A bucket of tokens, one for each thing that happens. It holds a second's, and starts full.

    Args:
        a_second: how many come into it.
    """

    def __init__(self, a_second: float) -> None:
        self._a_second = self._tokens = a_second
        self._last_s: float | None = None

    def delay(self, now_s: float) -> float:
        """It happens, or is to: in how many seconds it may, if all wait their turn."""
        if self._last_s is not None:
            came = (now_s - self._last_s) * self._a_second
            self._tokens = min(self._tokens + came, self._a_second)
        self._last_s = now_s
        self._tokens -= 1
        return max(0.0, -self._tokens / self._a_second)
