"""Writes freeman.json: a toy log, and the risk score of each login by a slow and
literal implementation of Freeman et al. (NDSS 2016), equation 7 without attack
data. It shares nothing with ../freeman.go: it queries lists of logins instead of
keeping counts, and works with probabilities instead of logarithms.

    python3 freeman.py > freeman.json
"""

import json
import random

ADDRESS = [("ip", 0.6), ("asn", 0.3), ("country", 0.1)]
AGENT = [
    ("agent", 0.5386653840551359),
    ("browser", 0.2680451498625666),
    ("system", 0.18818295100109536),
    ("device", 0.0051065150812021525),
]


def distinct(logins, fields):
    return sum(len({l[f] for l in logins}) for f in fields)


def smoothed(logins, value, fields):
    """The likelihood of the finest value, with room for unseen ones."""
    unseen = distinct(logins, fields[1:]) + 1
    n = sum(1 for l in logins if l[fields[0]] == value)
    if n == 0:
        return 1 / (len(logins) + unseen)
    return n / len(logins) * (1 - unseen / (len(logins) + unseen))


def global_likelihood(logins, login, hierarchy):
    fields = [f for f, _ in hierarchy]
    total = 0.0
    for level, (field, weight) in enumerate(hierarchy):
        same = [l for l in logins if l[field] == login[field]]
        if level == 0:
            within = smoothed(same, login[field], fields)
            total += weight * within * smoothed(logins, login[field], fields)
        elif same:
            total += weight * len(same) / len(logins)
    return total


def local_likelihood(logins, login, hierarchy):
    return sum(w * sum(1 for l in logins if l[f] == login[f]) / len(logins) for f, w in hierarchy)


def score(history, login):
    mine = [l for l in history if l["user"] == login["user"]]
    if not mine:
        return None
    risk = 1.0
    for hierarchy in (ADDRESS, AGENT):
        everyone = global_likelihood(history, login, hierarchy)
        own = local_likelihood(mine, login, hierarchy)
        risk *= everyone / (own if own > 0 else everyone / 4)
    users = len({l["user"] for l in history})
    return risk * (1 / users) / (len(mine) / len(history))


def main():
    rng = random.Random(2016)
    history, out = [], []
    for _ in range(300):
        asn = rng.choice([2119, 2119, 2119, 28573, 7922])
        browser, system = rng.choice(["Chrome 140", "Firefox 142", "Safari 18"]), rng.choice(["Windows", "iOS", "Android"])
        login = {
            "user": min(int(rng.expovariate(0.2)), 30),
            "ip": "192.0.2.%d" % min(int(rng.expovariate(0.05)), 120),
            "asn": str(asn),
            "country": {2119: "NO", 28573: "BR", 7922: "US"}[asn] if rng.random() < 0.95 else "SE",
            "agent": browser + system + rng.choice(["", "a"]),
            "browser": browser,
            "system": system,
            "device": "Mobile" if system != "Windows" else "Desktop",
        }
        out.append({"login": login, "score": score(history, login)})
        history.append(login)
    print(json.dumps(out, indent=0))


main()
