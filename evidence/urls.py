"""Addresses of the catalogue's own pages."""

from django.urls import URLPattern, URLResolver, path

from evidence import (
    claim_pages,
    comparisons,
    pages,
    protection_pages,
    release_pages,
    statement_pages,
    uploads,
)

app_name = "evidence"
urlpatterns: list[URLPattern | URLResolver] = [
    path("items/<uuid:item>/progress/", pages.item_progress, name="item_progress"),
    path("items/<uuid:item>/similar/", comparisons.similar, name="similar"),
    path("items/<uuid:item>/compare/<uuid:other>/", comparisons.compare, name="compare_items"),
    path("items/<uuid:item>/receipt/", pages.receipt, name="receipt"),
    path("items/<uuid:item>/original/<uuid:file>/", pages.original, name="original"),
    path("items/<uuid:item>/derivative/<uuid:file>/", pages.derivative, name="derivative"),
    path("items/<uuid:item>/retry/<uuid:analysis>/", pages.retry, name="retry"),
    path("items/<uuid:item>/statement/", statement_pages.statement, name="statement"),
    path("items/<uuid:item>/statement/words/", statement_pages.layer, name="statement_words"),
    path("items/<uuid:item>/document/", statement_pages.document, name="document"),
    path("items/<uuid:item>/assess/", statement_pages.assess_item, name="assess_item"),
    path("items/<uuid:item>/protection/", protection_pages.protection, name="protection"),
    path("cases/<uuid:case>/claims/", claim_pages.claims, name="claims"),
    path("cases/<uuid:case>/claims/new/", claim_pages.new_claim, name="claim_new"),
    path("claims/<uuid:claim>/", claim_pages.claim, name="claim"),
    path("cases/<uuid:case>/people/", claim_pages.people, name="people"),
    path("cases/<uuid:case>/people/<uuid:person>/facts/", claim_pages.keep_fact, name="keep_fact"),
    path("cases/<uuid:case>/facts/<uuid:fact>/", claim_pages.reveal, name="reveal"),
    path("releases/", release_pages.releases, name="releases"),
    path("releases/new/", release_pages.new_release, name="release_new"),
    path("releases/<uuid:release>/", release_pages.release, name="release"),
    path("cases/<uuid:case>/clusters/", comparisons.clusters, name="clusters"),
    path("similar/", comparisons.ask, name="ask"),
    path("upload/", uploads.page, name="upload"),
    path("upload/held/", uploads.Held.as_view(), name="upload_held"),
    path("upload/files/", uploads.Uploads.as_view(), name="upload_files"),
    path("upload/files/<uuid:upload>/", uploads.OneUpload.as_view(), name="upload_file"),
    path("upload/files/<uuid:upload>/state/", uploads.UploadState.as_view(), name="upload_state"),
    path("exports/", pages.export_list, name="exports"),
    path("exports/new/", pages.export_new, name="export_new"),
    path("exports/<uuid:bundle>/", pages.export_page, name="export"),
    path("exports/<uuid:bundle>/progress/", pages.export_progress, name="export_progress"),
    path("exports/<uuid:bundle>/download/", pages.export_download, name="export_download"),
    path("ledger/verify/", pages.verify, name="verify"),
    path("ledger/compare/", pages.compare, name="compare"),
    path("ledger/reports/<uuid:run>/", pages.audit, name="audit"),
    path("ledger/reports/<uuid:run>/progress/", pages.audit_progress, name="audit_progress"),
]
