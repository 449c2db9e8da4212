"""Where the pages are: below ``/bridge/``."""

from django.urls import path

from bridge.tomtoolkit.pages import dead, differences, outbox, overview, parked, self_shares, target
from bridge.tomtoolkit.pages import share as sharing

app_name = "tom_bridge"

urlpatterns = [
    path("", overview.Overview.as_view(), name="overview"),
    path("lag/", overview.Lag.as_view(), name="lag"),
    path("plotly.js", overview.PlotlyScript.as_view(), name="plotly"),
    path("parked/", parked.ParkedList.as_view(), name="parked"),
    path("parked/<int:pk>/choose/", parked.Choose.as_view(), name="choose"),
    path("parked/retry/", parked.Retry.as_view(), name="parked-retry"),
    path("parked/drop/", parked.Drop.as_view(), name="parked-drop"),
    path("choices/<int:pk>/forget/", parked.Forget.as_view(), name="forget-choice"),
    path("dead/", dead.DeadList.as_view(), name="dead"),
    path("dead/<int:pk>/", dead.DeadLetter.as_view(), name="dead-letter"),
    path("dead/retry/", dead.Retry.as_view(), name="dead-retry"),
    path("dead/drop/", dead.Drop.as_view(), name="dead-drop"),
    path("outbox/", outbox.Outbox.as_view(), name="outbox"),
    path("outbox/again/", outbox.Again.as_view(), name="outbox-again"),
    path("outbox/there/", outbox.There.as_view(), name="outbox-there"),
    path("differences/", differences.Differences.as_view(), name="differences"),
    path("self-sharing/", self_shares.SelfShares.as_view(), name="self-shares"),
    path("self-sharing/<int:pk>/", self_shares.Change.as_view(), name="self-share-change"),
    path("targets/<int:pk>/shares/", target.Shares.as_view(), name="target-shares"),
    path("targets/<int:pk>/share/", sharing.ShareTarget.as_view(), name="share-target"),
    path("lists/", sharing.Lists.as_view(), name="lists"),
    path("lists/<int:pk>/share/", sharing.ShareList.as_view(), name="share-list"),
]
