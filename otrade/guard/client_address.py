"""Where a connection comes from, as far as limits are concerned."""

import ipaddress


def address_group(address: str) -> str:
    """What counts as one address: an IPv6 customer has a whole network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def is_this_computer(address: str) -> bool:
    """Everybody who comes through a tunnel or a proxy has this address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
