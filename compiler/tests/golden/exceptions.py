def handle(f):
    try:
        return f()
    except (ValueError, TypeError) as e:
        print(e)
    except OSError:
        raise
    else:
        print("none")
    finally:
        print("finally")


def group(f):
    try:
        f()
    except* ValueError as e:
        print(e)


def managed(a, b):
    with a as x, b:
        return x


def leaving(items):
    for item in items:
        try:
            if item:
                break
        finally:
            print(item)
