"""Words of tables in other languages than English, as columns are named and marks are written in them."""

from bridge.publishing.sources.tables.elements.words import words

MAGNITUDES = words(
    "magnitud magnitude magnitudo magnitudine helligkeit блеск звезднаявеличина звёзднаявеличина 星等 等級"
)
ERRORS = words("fehler erreur errore erro incertitude incertezza incerteza incertidumbre ошибка погрешность 误差 誤差")
FLUXES = words("fluss flujo flusso fluxo поток")
WAVELENGTHS = words("wellenlänge wellenlaenge longueurdonde longituddeonda lunghezzadonda comprimentodeonda длинаволны")
BANDPASSES = words("filtro filtre фильтр 滤镜 滤光片 波段 フィルタ フィルター")
LIMITS = words("limite límite limitesup límitesuperior limitesuperior limitesupérieure obergrenze 上限")
TIMES = words("fecha fechahora data datum datumzeit дата 日期 日付 日時")
CLOCKS = words("hora ora heure zeit uhrzeit время 时间 時刻")
"""Times of day: in UTC only where the name says so."""
SCALES = {"tu": "utc", "tuc": "utc", "weltzeit": "utc"}
YES = words("si sí sì oui ja sim да 是")
NO = words("non nein nao não нет 否")
GOOD = words("bueno buena bon bonne buono buona bom boa gut valido valida válido válida valide gültig")
BAD = words(
    "malo mala mauvais mauvaise cattivo schlecht rechazado rechazada rejeté scartato rejeitado verworfen descartado "
    "descartada ungültig"
)
LIMIT_TEXT = (
    r"l[ií]mite|obergrenze|nicht (?:detektiert|sichtbar|nachweisbar)|no detectad|non d[ée]tect|non rilevat|предел|上限|"
    r"未检出"
)
"""A regular expression of what says that a value is a limit."""
NEUTRAL = words(
    "aufgenommen aufnahme aufnahmen aux avec beobachtung beobachtungen calibracion calibración calibrada "
    "calibradas calibrado calibrados calibrata calibrate calibrée calibrées camera caméra catálogo cm courbe "
    "curva cámara câmera da dados dal dalla das daten dati datos del della delle dem den depuis der des desde di "
    "do données du effettuata effettuate en eseguita eseguite estación estação faite faites filtern filtre "
    "filtres filtri filtro filtros fotométrica fotométrico gemessen il kalibriert las lichtkurve lo los luce "
    "lumière luz mediante mm observacion observación observação observações obtenida obtenidas obtenido obtenidos "
    "obtenu obtenue obtenues obtenus obtida obtidas obtido obtidos osservazione osservazioni ottenuta ottenute "
    "pela pelo presso realizada realizadas realizado realizados stazione sur telescopio telescopios telescópio "
    "teleskope télescope télescopes una usando étalonnée étalonnées "
)
"""Words of comments on how something was observed, none of which says that values are other than their columns say."""
