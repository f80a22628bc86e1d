"""A shaft with a quadrature encoder: two pins that change as it turns."""

_CYCLE = ((0, 0), (1, 0), (1, 1), (0, 1))  # levels of A, B: A comes first when it turns forwards


class Shaft:
    """``turn(n)``: n edges, backwards where negative; each interrupts. ``a``, ``b``: the pins."""

    def __init__(self, at=0):
        self.at = at
        self.a, self.b = ShaftPin(self, 0), ShaftPin(self, 1)

    def turn(self, n):
        step = 1 if n > 0 else -1
        for _ in range(abs(n)):
            before = _CYCLE[self.at % 4]
            self.at += step
            after = _CYCLE[self.at % 4]
            self.fire(self.a if before[0] != after[0] else self.b)

    def leap(self, n):
        """As turn(), but so fast that there is one interrupt."""
        self.at += n
        self.fire(self.a)

    def fire(self, pin):
        if pin.handler is not None:
            pin.handler(pin)


class ShaftPin:
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, shaft, phase):
        self._shaft, self._phase = shaft, phase
        self.handler = None
        self.trigger = 0

    def value(self):
        return _CYCLE[self._shaft.at % 4][self._phase]

    def irq(self, handler=None, trigger=0, hard=False):
        self.handler, self.trigger = handler, trigger
