"""decimal: pi to many digits, an invoice with rounding, a square root by Newton's method."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext


def pi(digits):
    with localcontext() as context:
        context.prec = digits + 3
        last, term, total, n, numerator_step, denominator, denominator_step = 0, Decimal(3), Decimal(3), 1, 0, 0, 24
        while total != last:
            last = total
            n, numerator_step = n + numerator_step, numerator_step + 8
            denominator, denominator_step = denominator + denominator_step, denominator_step + 32
            term = (term * n) / denominator
            total += term
        context.prec = digits
        return +total


def invoice(lines):
    cent = Decimal('0.01')
    total = tax = Decimal(0)
    for i in range(lines):
        price = Decimal(i % 997) / 8 + Decimal('0.99')
        amount = (price * (1 + i % 12)).quantize(cent, rounding=ROUND_HALF_EVEN)
        rate = Decimal('0.19') if i % 3 else Decimal('0.07')
        tax += (amount * rate).quantize(cent, rounding=ROUND_HALF_EVEN)
        if amount >= 100:
            amount -= (amount * Decimal('0.025')).quantize(cent)
        total += amount
    return total, tax, f'{total + tax:,.2f}'


def root(value, digits):
    with localcontext() as context:
        context.prec = digits
        guess = Decimal(value) / 2
        for _ in range(12):
            guess = (guess + value / guess) / 2
        return guess


def main():
    for _ in range(30):
        digits = str(pi(150))
    return digits[-20:], invoice(30_000), str(root(2, 400))[-10:], (Decimal(10) / 7).sqrt()
