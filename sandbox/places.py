"""Time zone and language of a country or one of its regions: the main zone of each US state and the like."""

US_STATES = {
    "America/New_York": "CT DE DC FL GA IN KY ME MD MA MI NH NJ NY NC OH PA RI SC VT VA WV",
    "America/Chicago": "AL AR IL IA KS LA MN MS MO NE ND OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR",
}
REGIONS: dict[tuple[str, str], str] = {
    ("US", state): zone for zone, states in US_STATES.items() for state in states.split()
} | {
    ("ES", "CN"): "Atlantic/Canary",
    ("ES", "CANARIAS"): "Atlantic/Canary",
    ("ES", "GC"): "Atlantic/Canary",
    ("ES", "TF"): "Atlantic/Canary",
    ("MX", "BCN"): "America/Tijuana",
    ("MX", "BC"): "America/Tijuana",
    ("MX", "BCS"): "America/Mazatlan",
    ("MX", "SIN"): "America/Mazatlan",
    ("MX", "NAY"): "America/Mazatlan",
    ("MX", "SON"): "America/Hermosillo",
    ("MX", "ROO"): "America/Cancun",
    ("MX", "CHH"): "America/Chihuahua",
    ("BR", "AM"): "America/Manaus",
    ("BR", "RR"): "America/Boa_Vista",
    ("BR", "RO"): "America/Porto_Velho",
    ("BR", "AC"): "America/Rio_Branco",
    ("BR", "MT"): "America/Cuiaba",
    ("BR", "MS"): "America/Campo_Grande",
    ("CL", "MA"): "America/Punta_Arenas",
    ("PT", "20"): "Atlantic/Azores",
    ("PT", "30"): "Atlantic/Madeira",
}
COUNTRIES: dict[str, tuple[str, str, str]] = {  # zone, language, Faker locale
    "US": ("America/New_York", "en", "en_US"),
    "ES": ("Europe/Madrid", "es", "es_ES"),
    "MX": ("America/Mexico_City", "es", "es_MX"),
    "CL": ("America/Santiago", "es", "es_CL"),
    "CO": ("America/Bogota", "es", "es_CO"),
    "AR": ("America/Argentina/Buenos_Aires", "es", "es_AR"),
    "PE": ("America/Lima", "es", "es_ES"),
    "BR": ("America/Sao_Paulo", "pt", "pt_BR"),
    "GB": ("Europe/London", "en", "en_GB"),
    "PT": ("Europe/Lisbon", "pt", "pt_PT"),
    "FR": ("Europe/Paris", "fr", "fr_FR"),
    "DE": ("Europe/Berlin", "de", "de_DE"),
    "IT": ("Europe/Rome", "it", "it_IT"),
    "UY": ("America/Montevideo", "es", "es_ES"),
    "EC": ("America/Guayaquil", "es", "es_ES"),
    "GT": ("America/Guatemala", "es", "es_ES"),
    "PY": ("America/Asuncion", "es", "es_ES"),
}
# Number plans: prefix and how many free digits follow. Reserved for fiction where a regulator reserved any
# that still counts as a valid number (US 555-01xx is built apart); else a block with a run of zeros.
PHONES: dict[str, tuple[str, int]] = {
    "ES": ("+346000", 5),
    "MX": ("+5255500", 5),
    "CL": ("+569600", 5),
    "CO": ("+573000", 6),
    "AR": ("+54911500", 5),
    "PE": ("+519000", 5),
    "BR": ("+55119000", 5),
    "GB": ("+4474000", 5),
    "PT": ("+3519100", 5),
    "FR": ("+336000", 5),
    "DE": ("+49152000", 5),
    "IT": ("+393200", 6),
    "UY": ("+598990", 5),
    "EC": ("+5939900", 5),
    "GT": ("+502500", 5),
    "PY": ("+5959610", 5),
}
US_AREAS = {
    "America/New_York": "202 203 212 215 216 240 301 302 304 305 313 315 401 404 410 412 413 502 508 513 516 518"
    " 561 585 603 607 609 610 614 617 631 704 716 717 718 724 732 757 770 786 802 803 804 813 843 845 856 860 904"
    " 908 914 919 954 973 978",
    "America/Chicago": "205 210 214 217 218 224 225 228 262 309 312 314 316 318 319 320 331 361 402 405 409 414"
    " 417 501 504 507 512 515 563 573 605 608 612 615 618 630 651 701 708 712 713 731 763 773 806 815 816 817 830"
    " 832 847 901 913 915 918 920 936 940 952 956 972",
    "America/Denver": "208 303 307 385 406 505 575 719 720 801 970",
    "America/Phoenix": "480 520 602 623 928",
    "America/Los_Angeles": "206 209 213 253 310 323 360 408 415 503 509 510 530 541 559 562 619 626 650 661 702"
    " 707 714 760 775 805 818 831 858 909 916 925 949 951 971",
    "America/Anchorage": "907",
    "Pacific/Honolulu": "808",
    "America/Puerto_Rico": "787 939",
}


def zone_of(country: str, region: str | None) -> str:
    """The main zone of the region, else of the country. Raises KeyError for an unknown country."""
    plain = (region or "").upper().removeprefix(country + "-")
    return REGIONS.get((country, plain)) or COUNTRIES[country][0]
