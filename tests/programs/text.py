"""Text that isn't ASCII, formats, and what has quick ways."""


# Indexing text that isn't ASCII: blocks of 64 code points of all widths, from both ends.
def indexing(text):
    points = list(text)
    assert len(text) == len(points)
    for i in range(-len(points), len(points)):
        assert text[i] == points[i], (text, i)
    for start in range(0, len(points), 7):
        for end in (start, start + 1, start + 5, start + 64, len(points)):
            assert text[start:end] == ''.join(points[start:end]), (text, start, end)
    last = max(i for i, c in enumerate(points) if c == points[0])
    return len(text), text.find(points[-1]), text.rfind(points[0]) == last


for text in ('Привет, мир! ' * 40, '日本語テキスト' * 50, 'a😀b' * 100, 'é', 'éx', 'x' * 100 + 'é', '\ud800x' * 70):
    print(indexing(text))


# `%` with everything that a conversion can say.
def formats():
    values = {"a": 3, "b": -4, "c(d)": "x", "é": "ü"}
    print("%(a)s|%(b)5d|%(c(d))-3s|%(é)s|%%|%(b)05d|%(b)-5d|%(b)+d" % values)
    print("%5s|%-5s|%.1s|%x|%X|%#x|%o|%08x|%*d" % ("é", "é", "éa", 255, -255, 255, 8, -300, 4, 7))
    for text, given in ("%s %s", (1,)), ("%d", "x"), ("%(x)s", {}), ("%(a)s", 3), ("%", 1), ("%z", 1), ("%s", (1, 2)):
        try:
            print(text % given)
        except (TypeError, ValueError, KeyError) as error:
            print(type(error).__name__, error)


# Classes and methods that have quick ways.
def quick():
    text, mixed = "  a b ", "\xa0é "
    print([text.strip(), text.lstrip(" a"), mixed.strip(), mixed.rstrip("é "), "".strip(), text.strip(None)])
    print(text.find("b"), mixed.find(" "), text.find(""), text.replace(" ", "--"), text.replace("z", "y") is text)
    print(text.startswith(("x", " ")), text.endswith(" "), mixed.startswith(mixed), "7".isdigit(), "²".isdigit(), "".isalpha())
    print(int("12"), int("-1_2"), int(2.9), int(1e30), int(" 5 "), int(True), float(3), float(2**60 + 1), float(" 1.5"))
    print(str(5), str(None), str(text) is text, tuple([1, 2]), tuple((3,)), list((4, 5)), list("ab"), list(), type(list))
    print(list(map(str, (1, "b", None))), sorted(["10", "9"], key=int), "\x1c\x85".isspace(), "\x1c\n".isspace())


formats()
quick()
