"""Which addresses of the internet a server of ours may dial, by our own list.

``ipaddress`` of Python 3.11.7 takes several for global that lead inside (100.64/10, 192.0.0/24,
64:ff9b::/96, 6to4). So nothing is asked of it but the arithmetic: IPv4 is refused by list, IPv6 is
taken only from the global unicast block less what leads elsewhere. Source: IANA's registries of
special-purpose addresses, and the clouds' own metadata addresses.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

NOT_FOR_US_4 = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider's customers"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's own service"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
GLOBAL_6 = IPv6Network("2000::/3")
NOT_FOR_US_6 = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("2001::/23", "protocol assignments, Teredo among them"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4: carries an IPv4 address"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
)
CARRIERS = (
    (IPv6Network("::ffff:0:0/96"), "carries an IPv4 address"),
    (IPv6Network("64:ff9b::/96"), "NAT64: carries an IPv4 address"),
    (IPv6Network("64:ff9b:1::/48"), "NAT64: carries an IPv4 address"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("fc00::/7"), "private"),
    (IPv6Network("ff00::/8"), "multicast"),
)
"""Outside the global block anyway; named so that the refusal says why."""


def refusal(address: str) -> str:
    """Why ``address`` may not be dialled, in a few words; empty where it may.

    Takes only the canonical spelling that a resolver returns: anything else is refused.
    """
    if "%" in address:
        return "link-local, with a zone"
    try:
        found = IPv6Address(address) if ":" in address else IPv4Address(address)
    except ValueError:
        return "not an address"
    if isinstance(found, IPv4Address):
        return next((why for network, why in NOT_FOR_US_4 if found in network), "")
    if found not in GLOBAL_6:
        told = (why for network, why in CARRIERS if found in network)
        return next(told, "not a global address")
    return next((why for network, why in NOT_FOR_US_6 if found in network), "")
