"""Countries: which need a closer look, and how lists and documents name them."""

from __future__ import annotations

from compliance.letters import plain_letters

HIGH_RISK = frozenset({"KP", "IR", "MM"})
"""FATF, high-risk jurisdictions subject to a call for action. Policy: review when FATF does."""

_NAMES = """
AF Afghanistan;AL Albania;DZ Algeria;AD Andorra;AO Angola;AG Antigua and Barbuda;AR Argentina;
AM Armenia;AU Australia;AT Austria;AZ Azerbaijan;BS Bahamas|Bahamas, The|The Bahamas;
BH Bahrain;BD Bangladesh;BB Barbados;BY Belarus;BE Belgium;BZ Belize;BJ Benin;BM Bermuda;
BT Bhutan;BO Bolivia|Bolivia (Plurinational State of);BA Bosnia and Herzegovina;BW Botswana;
BR Brazil;BN Brunei|Brunei Darussalam;BG Bulgaria;BF Burkina Faso;BI Burundi;KH Cambodia;
CM Cameroon;CA Canada;CV Cabo Verde|Cape Verde;KY Cayman Islands;CF Central African Republic;
TD Chad;CL Chile;CN China|People's Republic of China;CO Colombia;KM Comoros;
CG Congo|Congo, Republic of the|Republic of the Congo;
CD Congo, Democratic Republic of the|Democratic Republic of the Congo|Democratic Republic of Congo;
CR Costa Rica;CI Cote d'Ivoire|Côte d'Ivoire|Ivory Coast;HR Croatia;CU Cuba;CY Cyprus;
CZ Czech Republic|Czechia;DK Denmark;DJ Djibouti;DM Dominica;DO Dominican Republic;EC Ecuador;
EG Egypt;SV El Salvador;GQ Equatorial Guinea;ER Eritrea;EE Estonia;SZ Eswatini|Swaziland;
ET Ethiopia;FJ Fiji;FI Finland;FR France;GA Gabon;GM Gambia|Gambia, The;GE Georgia;DE Germany;
GH Ghana;GI Gibraltar;GR Greece;GD Grenada;GT Guatemala;GN Guinea;GW Guinea-Bissau;GY Guyana;
HT Haiti;HN Honduras;HK Hong Kong;HU Hungary;IS Iceland;IN India;ID Indonesia;
IR Iran|Iran (Islamic Republic of)|Islamic Republic of Iran;IQ Iraq;IE Ireland;
IM Isle of Man|Man, Isle of;IL Israel;IT Italy;JM Jamaica;JP Japan;JE Jersey;JO Jordan;
KZ Kazakhstan;KE Kenya;KI Kiribati;
KP North Korea|Korea, North|Democratic People's Republic of Korea;
KR South Korea|Korea, South|Republic of Korea;XK Kosovo;KW Kuwait;KG Kyrgyzstan;
LA Laos|Lao People's Democratic Republic;LV Latvia;LB Lebanon;LS Lesotho;LR Liberia;LY Libya;
LI Liechtenstein;LT Lithuania;LU Luxembourg;MO Macau|Macao;MG Madagascar;MW Malawi;MY Malaysia;
MV Maldives;ML Mali;MT Malta;MH Marshall Islands;MR Mauritania;MU Mauritius;MX Mexico;
FM Micronesia;MD Moldova|Republic of Moldova;MC Monaco;MN Mongolia;ME Montenegro;MA Morocco;
MZ Mozambique;MM Burma|Myanmar;NA Namibia;NR Nauru;NP Nepal;NL Netherlands|The Netherlands;
NZ New Zealand;NI Nicaragua;NE Niger;NG Nigeria;
MK North Macedonia|North Macedonia, The Republic of|Macedonia;NO Norway;OM Oman;PK Pakistan;
PW Palau;PS Palestinian|Palestine|State of Palestine|West Bank|Region: Gaza;PA Panama;
PG Papua New Guinea;PY Paraguay;PE Peru;PH Philippines;PL Poland;PT Portugal;PR Puerto Rico;
QA Qatar;RO Romania;RU Russia|Russian Federation;RW Rwanda;
KN Saint Kitts and Nevis|St. Kitts and Nevis;LC Saint Lucia;
VC Saint Vincent and the Grenadines|St. Vincent and the Grenadines;WS Samoa;SM San Marino;
ST Sao Tome and Principe;SA Saudi Arabia;SN Senegal;RS Serbia;SC Seychelles;SL Sierra Leone;
SG Singapore;SK Slovakia;SI Slovenia;SB Solomon Islands;SO Somalia;ZA South Africa;
SS South Sudan;ES Spain;LK Sri Lanka;SD Sudan|Sudan, The;SR Suriname;SE Sweden;CH Switzerland;
SY Syria|Syrian Arab Republic;TW Taiwan;TJ Tajikistan;TZ Tanzania|United Republic of Tanzania;
TH Thailand;TL Timor-Leste;TG Togo;TO Tonga;TT Trinidad and Tobago;TN Tunisia;
TR Turkey|Türkiye|Turkiye;TM Turkmenistan;TV Tuvalu;UG Uganda;UA Ukraine;
AE United Arab Emirates;GB United Kingdom|United Kingdom of Great Britain and Northern Ireland;
US United States|United States of America;UY Uruguay;UZ Uzbekistan;VU Vanuatu;
VA Vatican City|Holy See;VE Venezuela|Venezuela (Bolivarian Republic of);VN Vietnam|Viet Nam;
VG Virgin Islands, British|British Virgin Islands;VI Virgin Islands, US;YE Yemen;ZM Zambia;
ZW Zimbabwe;
"""


def _codes() -> dict[str, str]:
    codes = {}
    for entry in _NAMES.replace("\n", "").split(";"):
        code, _, names = entry.partition(" ")
        for name in names.split("|"):
            codes[plain_letters(name)] = code
    return codes


_CODE_OF = _codes()
_ALPHA_2 = frozenset(_CODE_OF.values())


def country_code(name: str) -> str | None:
    """Two letters of a country as official lists name it, or None for a region or a ship's past."""
    text = name.strip()
    if text.upper() in _ALPHA_2:
        return text.upper()
    return _CODE_OF.get(plain_letters(text))
