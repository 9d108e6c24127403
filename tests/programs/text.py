"""Text that isn't ASCII."""


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
