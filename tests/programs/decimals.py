"""Decimal numbers: arithmetic, rounding, contexts, signals, text, and what threads share of contexts."""
import decimal
import threading
from decimal import *
from fractions import Fraction

D = Decimal


def t(f):
    try:
        print(repr(f()))
    except Exception as e:
        print(type(e).__name__, e)


def arithmetic():
    values = ['0', '-0', '1', '-7', '19.995', '1E+20', '1.5E-20', '123456789012345678901234567.89', '9' * 60, 'Infinity',
              '-Infinity', 'NaN', '-NaN12', '0E+5', '0E-5']
    for a in values:
        for b in values:
            x, y = D(a), D(b)
            for f in (x.__add__, x.__sub__, x.__mul__, x.__truediv__, x.__floordiv__, x.__mod__, x.remainder_near,
                      x.compare_total, x.max, x.min_mag, x.next_toward, x.same_quantum, x.copy_sign):
                t(lambda: str(f(y)))
    for a in values:
        x = D(a)
        for f in (x.sqrt, x.exp, x.ln, x.log10, x.logb, x.next_plus, x.next_minus, x.normalize, x.to_integral_value,
                  x.number_class, x.as_tuple, x.adjusted, x.__abs__, x.__neg__, x.__pos__, x.__int__, x.__float__,
                  x.as_integer_ratio, x.to_eng_string, x.__hash__):
            if not (x.is_nan() and f.__name__ == '__hash__'):
                t(f)


def powers():
    for a, b in (('1.05', '37'), ('1.05', '-37'), ('2', '200'), ('2', '-200'), ('10', '9'), ('3', '0.5'), ('0.1', '1E+10'),
                 ('-2', '3'), ('-2', '0.5'), ('0', '0'), ('0', '-1'), ('1.0', '5'), ('1', '-3.5'), ('71', '207.96665158398')):
        t(lambda: D(a) ** D(b))
    t(lambda: pow(D(7), 100, 13))
    t(lambda: pow(D(7), -1, 13))


def rounding():
    for mode in (ROUND_UP, ROUND_DOWN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,
                 ROUND_05UP):
        print(mode, [str(D(v).quantize(D('0.1'), mode)) for v in ('1.25', '-1.25', '1.35', '1.21', '-1.29', '5.05', '0.01')])
        with localcontext(prec=5, rounding=mode):
            # The sum is decided by digits that lie far behind.
            print(D('1.00005') + D('1E-40'), D('1.00005') - D('1E-40'), D('10000') + D('0.49999999999999'), D(2) / 3)


def formats():
    specs = ['', '_', 'z.2f', ',.2f', '010', '<010', '0<10', '=+12', '.3', '.3e', '.0e', '%', '.1%', 'n', 'G', 'E', 'é>10', '.',
             '#', '#.2f', ',n', '5_', '5,.3_f', 'x', '00', '+', ' ', '^12', '020,.2f', '*=15', '.30f', '+0=10']
    for value in ('1234567.891', '-0.00001', '0', '-0', '1E+5', '0E+3', '0E-10', 'Infinity', '-NaN123', 'sNaN', '1.5E-20'):
        for spec in specs:
            t(lambda: format(D(value), spec))
    t(lambda: format(D(1234567), {}))
    t(lambda: D(1234567).__format__('n', {'decimal_point': ',', 'thousands_sep': '.', 'grouping': '\x02'}))
    t(lambda: D(1).__format__('f', {'decimal_point': ''}))


def conversions():
    for value in (' 12\n', '1_000.5', '١٢', 'x', '1e', '.', '-.5', '5.', 'sNaN123', 'nan12', 'inf', '-Infinity', '1e99999999999999999999',
                  None, [1], (0, (1, 2), -1), (1, (), 'F'), (2, (1,), 0), (0, (11,), 0), 0.1, 2 ** 200, True, object):
        t(lambda: D(value))
        t(lambda: getcontext().create_decimal(value))
    t(lambda: D(1) + 1.0)
    t(lambda: [D(1) == 1.0, D('0.1') == 0.1, D('0.5') == Fraction(1, 2), D(3) < Fraction(7, 2), D(1) == 1 + 0j, D(2) in {2}])
    t(lambda: D(1) < 'x')
    t(lambda: hash(D('0.5')) == hash(0.5) == hash(Fraction(1, 2)))
    t(lambda: round(D('12345.678'), -2))
    t(lambda: round(D('2.5')))


def contexts():
    c = Context(prec=5, traps=[Overflow])
    print(c, c.copy(), c.__reduce__()[1])
    t(lambda: c.divide(1, 3))
    t(lambda: [s.__name__ for s, on in c.flags.items() if on])
    t(lambda: c.power(10, 10 ** 9))
    t(lambda: c.divide(1, 0))
    c.traps[DivisionByZero] = True
    t(lambda: c.divide(1, 0))
    flags = c.flags
    t(lambda: flags is c.flags)
    c = None
    t(lambda: len(flags))
    for change in ({'prec': 0}, {'prec': 'x'}, {'Emax': -1}, {'rounding': 3}, {'capitals': 2}, {'traps': 3}, {'traps': [3]}):
        t(lambda: Context(**change))
    t(lambda: delattr(Context(), 'prec'))
    t(lambda: setattr(Context(), 'x', 1))
    t(lambda: IEEEContext(128))
    before = getcontext()
    with localcontext(prec=3) as inner:
        print(getcontext() is inner, D(2) / 3)
    print(getcontext() is before)
    seen = []

    def work():
        seen.append(getcontext().prec)
        getcontext().prec = 4
        seen.append(str(D(1) / 3))

    with localcontext():
        thread = threading.Thread(target=work, context=__import__('contextvars').Context())
        thread.start()
        thread.join()
        seen.append(str(D(1) / 3))
    print(seen)


def limits():
    with localcontext(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN):
        big = D('1E+999999999999999999')
        for f in (lambda: big * big, lambda: D(10) / 4, lambda: big > D(1) / 8):
            t(f)


for part in (arithmetic, powers, rounding, formats, conversions, contexts, limits):
    print('--', part.__name__)
    part()
