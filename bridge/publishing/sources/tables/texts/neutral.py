"""Words of which each is known to leave values as their columns have them; a text of other words is not understood."""

import re

from bridge.publishing.sources.tables.elements import languages
from bridge.publishing.sources.tables.elements.clocks import OTHER_CLOCKS
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.texts.wordings import HARMLESS

_TOPIC = re.compile(
    r"(?:mid|exp|obs)?(?:mags?|magnitud\w*|flux\w*|errs?|error\w*|uncert\w*|times?|timings?|tiempos?|zeit\w*|temps|horas?|"
    r"heures?|dates?|datum|m?jds?|sigmas?|bright\w*|zero\w*|zps?|values?|rows?|points?|columns?|phases?|counts?)"
)
"""A word that says that a text speaks of what the columns hold."""
_NEUTRAL = words(
    "a aap ab above acknowledge acknowledged acknowledgement acknowledgements acknowledges acknowledgments acquired "
    "acquisition address affiliation against agn air airmass aj al album aligned all also among an and apass "
    "aperture apj apparent applied april archive arcmin arcsec arcseconds are arxiv as asassn ascii astro "
    "astrometric astrometry astronomer astronomers astronomical astronomy astrophysics at atlas attached august "
    "author authors auto autumn available average averaged averages averaging b background band bandpass bands "
    "based be been begin beginning below beobachtet bessel bessell between bias bin binned binning bins blazar blue "
    "both bright brightness brightnesses broad brown bulletin burst but by c cadence calculated calibrate "
    "calibrated calibrating calibration camera cameras campaign can candidate candidates cataclysmic catalog "
    "catalogue ccd cd channel chart check chip circular citation cite cited class classical classification "
    "classified cloud clouds cluster cmos coadd coadded coating coauthors code collected color colour column "
    "columns combined comma comment comments comparison compiled computed con cooled coordinates copy copyright "
    "corresponding cosmic cosmics cousins created credit csv currently curve curves cycle dark darks das data date "
    "dates day days dd de dec december decimal declination deg degree degrees del delimited delimiter den denote "
    "denoted denotes department der derived des describes description descriptions detected detection detections "
    "detector determined deviation device diameter die difference digits discovered discoverer discoveries "
    "discovery disk disruption dithered doi dome done downloaded du during dwarf e each east eastern ed edition eds "
    "el elliptical email encoding end engine engineering ensemble equinox err error errors errs eruption et event "
    "events exported exposure exposures exptime extracted facilities facility february few field fields file "
    "filename filter filters first fits flatfield flats flux fluxes folder follow following followup follows font for "
    "forced fork format formatted fotometria fotometría foundation four fourth frame frames fri friends from full "
    "funded funding fwhm g gaia gain galactic galaxies galaxy gamma general generated generator given gmt grant "
    "grateful grism group grouped guided h hardware has have header helligkeiten her here hh his host hostless hour "
    "hours html http https humidity i ia ib ibid ic icrs id identification identifier identify ids ii iii iin iip "
    "im image images imaging in inch included information infrared institute institution instrument instruments "
    "international into iraf is iso isot it its j january jd jds johnson julian july june k kilonova known kron la "
    "landolt large las last latitude lc le left les less licence license licensed light lightcurve lightcurves like "
    "limit limiting limits line lines link list listed listing located longitude los low m made mag magnitude "
    "magnitudenes magnitudes mags main maintained many march may mean means measured measurement measurements "
    "median merged meters metre metres microlensing mid middle midexposure midpoint midtime midtimes min minute "
    "minutes mirror mit mjd mjds mm mnras modified mon month months moon more mount mounted multi my n name named "
    "names national near needed net network new next night nightly nights nir no noise north northern note notes "
    "nova november nuclear number numbered o object objects obs observaciones observation observations observatoire "
    "observatorio observatory observed observer observers observing obtain obtained obtaining october of on one "
    "optical optics or order ordered original other our outburst output package page pages pan paper part parts "
    "passband passbands people per performed person petrosian ph phd photoelectric photometer photometric "
    "photometrie photometry photométrie photon pi pier pipeline pix pixel pixels please point points poisson "
    "position positions pp preliminary prepared preprint presented press pressure principal processed processing "
    "product products program programme project projects property proposal provided psf public publication publish "
    "published python quadrant quasar queue quoted r ra radius random ratio ray rays read readme readnoise record "
    "recorded records red redshift reduce reduced reduction reference references region registered related release "
    "released remote repository request research resolution respectively results retrieved review revised right rms "
    "robotic row rows run runs s same sampling saved science sciences scientific script sdss season sec second "
    "secondary seconds section see seeing seestar semester semicolon send sent separated separator september "
    "sequence series server service services several sharing short showing side sigma sigmas signal silver simbad "
    "single site sites size sky skymapper slit sloan small sn snr society software solution sorted source sources "
    "south southern space spec spectra spectral spectrograph spectroscopic spectroscopy spectrum spring square ss "
    "st stack stacked stacking stacks staff standard star starrs stars start state statistical steps sternwarte "
    "stetson students study submitted subset such suite summer supernova supplied support supported supporting "
    "supports survey system systematic systems tab table taken target team telescope telescopes telescopic "
    "telescopio teleskop temperature template templates term terms tertiary text than thank thanks that the their "
    "there these they this three through thu tidal time times title to tool tools total track tracked tracking "
    "transformation transformed transient triple tsv tue two tycho type types u ultraviolet un uncertainties "
    "uncertainty und under une unit units universal university updated upper url use used useful user users using "
    "ut utc utf v value values variable variables vega version versions very via visit vizier vol volunteer "
    "volunteers von w was we weather web website wed weighted were west western when where which who wide wind "
    "winter wise with within work working world writer written x y year years you your yyyy z zero zeropoint "
    "zeropoints zp ztf "
)
_PROGRAMS = words(
    "photutils astropy iraf hotpants swarp sextractor daophot autophot banzai sncosmo lacosmic emcee scamp psfex "
    "matlab idl excel libreoffice topcat stilts astroimagej lightkurve astrodrizzle dolphot pyraf numpy pandas"
)
_BANDS = words("gri griz ugriz grizy izy ri iz bv ub vr bvr bvri ubvri vri jh jhk jhks yjh")
_TYPES = words("sample online str int float bool string human readable")
"""Types of columns in the lists of them that programs write."""
_NEUTRAL |= _PROGRAMS | _BANDS | _TYPES | languages.NEUTRAL
_NO_NAMES = OTHER_CLOCKS | words(
    "tt tdt tai tdb lt dst am pm est edt cst cdt mst mdt pst pdt hst akst cet cest eet eest wet west msk ist hkt sgt "
    "jst kst aest aedt acst awst nzst nzdt sast brt clt clst art adu db jy mjy ujy dex vfv nufnu abs inst instr "
    "diff ul lim not never"
)
"""What is no name though it stands in capital letters: clocks, zones, units, and words that change values."""
_FREE_LABELS = words(
    "author authors contact site observatory location telescope instrument camera software pipeline observer observers "
    "pi program programme project paper reference references title file filename object target name url credit credits "
    "license licence catalog catalogue survey facility group institute affiliation email keywords"
)
"""Labels, as in ``Site: mount example``, behind which stands what names something."""
_NOTES = words("note notes nb remark remarks comment comments warning caution attention")
"""Labels behind which stands anything, also in capital letters."""
_COPULAS = words("is are was were be been being")
_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TIMES = re.compile(r"(?<![\w.])(?<!\d )x ?\d|(?<![\w.])\d+(?:\.\d+)? ?x(?!\w| ?\d)|/ ?10+\b")
_RULER = re.compile(r"[-=_#*~+.|/,;:()\[\]'\"\s]*")
_MOMENT = re.compile(r"(?![-+/]\s*\d)[\d\s:./TZ-]*")
_ARITHMETIC = re.compile(
    r"[\u00f7\u00d7\u221a]|\b1 ?/ ?(?:err|sig|unc|mag|flux|var|snr)|"
    r"\(1 ?\+ ?z\)|(?<!UTC)(?<!GMT)(?<!\bUT)(?<=[A-Za-z)\]])\s*[+*^]\s*\d|"
    r"\w\)\s*[-\u2212]\s*\w+\(|(?:^|\s)[-+\u2212]\d+\.\d+(?![\d:])|\bM_[A-Za-z]{1,4}\b|\bM?JD ?[-\u2212] ?\d{4,}|"
    r"(?<![\w.])\d+(?:\.\d+)?[eE][-+]?\d+"
)
"""Sums and factors, and absolute magnitudes, as ``mag + 0.5``, ``-0.2``, ``M_B``."""
_DESIGNATION = re.compile(
    r"\b(?:Gaia|ATLAS|ZTF|[A-Z][A-Z]+)?(?:19|20)?\d\d[a-z]{2,7}\b|\b(?:19|20)\d\d[A-Za-z]{1,4}\b|\b(?!UT\d|M?JD)[A-Z]{2,}-?\d\w*|\b(?![BJT]1[89]|T\d)[A-Z]\d{2,}\b|"
    r"\b(?:by|with|using) \w+ v?\d+\.\d[\w.]*|\b(?:[A-Z]\.[ -]?)+[A-Z][a-z]+|\bBD ?[-+]\d\w*"
)
"""Names: of objects, catalogues and programs, as ``2023ixf``, ``DR10``, ``by lcgen 1.2``; of people, as ``J. Doe``."""
_TELESCOPES = re.compile(
    r"\b(?:LCO(?:GT)?|FTN|FTS|VLT|NTT|WHT|TNG|GTC|SOAR|SALT|Keck|Gemini|Subaru|Magellan|Palomar|Lick|CTIO|SAAO|ESO|MMT|"
    r"LBT|HCT|GROND|ALFOSC|EFOSC2?|FLOYDS|Sinistro|MuSCAT[234]?|IO:O|KAIT|ZTF|ATLAS|ASAS-SN|PS1|Pan-STARRS1?|Swift|UVOT|"
    r"HST)\b(?! [a-z])|(?<!are )(?<!is )(?<!was )(?<!were )(?<!do )(?<!did )\bNOT(?=\s*(?:$|[/+,;)]|ALFOSC))|"
    r"(?:(?<=the )|(?<=at )|(?<=with )|(?<=from )|(?<=by ))NOT\b(?! [a-z]*ed\b)|"
    r"\b\d+(?:\.\d+)?[ -]?c?m\b"
)
"""Telescopes, in their own spelling (NOT is one where nothing is denied; LT is local time too), and apertures."""
_FACILITY = re.compile(
    r"[\w+-]+ ?= ?(?=.*(?i:telescope|observatory|camera|imager|survey))"
    r"(?:(?:[A-Z][\w.'-]*|\d+(?:\.\d+)?|c?m|at|of|the|in|on|and|telescope|observatory|&)(?:[ ,;.]+|$))+"
)
"""What a code of telescopes stands for: ``KAIT = Katzman Automatic Imaging Telescope``."""
_COORDINATES = re.compile(r"\bra\b.*\bdec|\bdec", re.IGNORECASE)


def not_understood(text: str, known: frozenset[str]) -> str:
    """Return the word, or the sum, in a text of which nothing says that it leaves values alone; else nothing.

    ``known`` are further words, in lower case, that change nothing: the table's own names and units. Names, in capital
    letters, are no such words in a sentence of words in small ones.
    """
    return _not_known(text, _NEUTRAL | known, are_names=True)


def not_of(text: str, vocabulary: frozenset[str]) -> str:
    """Return the word, or the sum, in a text that is not in ``vocabulary``, nor a person's name; else nothing."""
    return _not_known(text, vocabulary, are_names=False)


def _not_known(text: str, known: frozenset[str], *, are_names: bool) -> str:
    if _FACILITY.fullmatch(text) and not any(_TOPIC.fullmatch(word.lower()) for word in _TOKEN.findall(text)):
        return ""
    plain = _DESIGNATION.sub("", HARMLESS.sub("", _TELESCOPES.sub("", text)))
    bare = plain.replace("_", " ")
    tokens: list[str] = _TOKEN.findall(bare)
    if not tokens:
        return "" if not bare.strip() or _RULER.fullmatch(bare) or _MOMENT.fullmatch(bare) else text.strip()[:40]
    sums = () if _COORDINATES.search(text) else (_ARITHMETIC.search(plain),)
    if found := next(filter(None, (*sums, _TIMES.search(bare))), None):
        return str(found[0]).strip()
    label, mark, _ = bare.partition(":")
    are_names = are_names and label.strip().lower() not in _NOTES
    is_on_values = any(_TOPIC.fullmatch(word.lower()) for word in tokens)
    is_label = are_names and bool(mark) and not is_on_values
    is_free = is_label and label.strip().lower().split(" ")[-1] in _FREE_LABELS
    is_sentence = any(word[0].islower() and (len(word) > 3 or word == "al") for word in tokens)
    has_names = are_names and (is_label or is_sentence)
    for number, word in enumerate(tokens):
        is_first = number == 0 and word[1:].islower() and not any(part[0].isupper() for part in tokens[1:2])
        is_stated = is_on_values and number > 0 and tokens[number - 1].lower() in _COPULAS and word[1:].islower()
        is_name = word[0].isupper() and not is_first and not is_stated
        if not _is_known(word, known, are_names=is_free or (has_names and is_name)):
            return word
    return ""


def _is_known(word: str, known: frozenset[str], *, are_names: bool) -> bool:
    lowered = word.lower()
    is_camel = any(letter.isupper() for letter in word[1:]) and not word.isupper()  # as ePESSTO, and mJy
    if lowered in _NO_NAMES and (word.isupper() or is_camel or not are_names):
        return lowered in known
    return are_names or is_camel or all(part in known for part in lowered.split("-"))
