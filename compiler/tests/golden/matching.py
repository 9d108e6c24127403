def match(x):
    match x:
        case 0 | None:
            return "nothing"
        case [a, *rest] if a:
            return a, rest
        case {"key": value, **others}:
            return value, others
        case Point(x=0, y=y) | Point(y, 0):
            return y
        case str() as text:
            return text
        case _:
            return None
