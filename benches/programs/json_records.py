"""JSON: records are written, read again and added up."""

import json


def main():
    records = [
        {'id': i, 'name': f'user {i}', 'tags': ['a', 'b', str(i % 7)], 'score': i * 1.5, 'active': i % 3 == 0}
        for i in range(22_000)
    ]
    text = json.dumps(records)
    again = json.loads(text)
    total = sum(record['score'] for record in again if record['active'])
    tags = {}
    for record in again:
        for tag in record['tags']:
            tags[tag] = tags.get(tag, 0) + 1
    return len(text), total, sorted(tags.items()), again == records
