"""Strings: building, splitting, formatting, searching."""


def is_palindrome(text):
    return text == text[::-1]


def caesar(text, shift):
    result = []
    for character in text:
        if character.isalpha():
            base = ord('a') if character.islower() else ord('A')
            result.append(chr((ord(character) - base + shift) % 26 + base))
        else:
            result.append(character)
    return ''.join(result)


def main():
    text = 'The quick brown fox jumps over the lazy dog. ' * 1500
    lines = []
    for i, word in enumerate(text.split()):
        lines.append(f'{i:05d} {word.lower():<10}|{word.upper():>10}|{i / 7:.3f}')
    table = '\n'.join(lines)
    found = table.count('fox') + table.find('lazy') + len(table.replace('dog', 'cat'))
    palindromes = sum(1 for i in range(250_000) if is_palindrome(str(i)))
    secret = caesar(text[:30_000], 3)
    fields = 0
    for line in table.splitlines():
        number, _, rest = line.partition(' ')
        if number.startswith('0') and '|' in rest:
            fields += len(rest.split('|'))
    buffer = ''
    for i in range(60_000):
        buffer += 'x' if i % 3 else 'yz'
    return found, palindromes, secret[:20], fields, len(buffer), 'a-b' * 3
