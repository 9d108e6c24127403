def loops(items):
    for i, (a, b) in enumerate(items):
        if a:
            continue
        if b:
            break
    else:
        print("done")
    while items:
        items.pop()
    while True:
        if len(items) > 3:
            return [x for x in items if x > 2]


def nested(rows):
    pairs = {k: [v for v in row] for k, row in rows}
    return {x for x in rows}, (lambda: [y for _ in rows for y in pairs]), (z for z in rows)


def captured(items):
    return [lambda: item for item in items]
