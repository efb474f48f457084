"""Addresses of the catalogue's own pages."""

from django.urls import URLPattern, URLResolver, path

from evidence import comparisons, pages, uploads

app_name = "evidence"
urlpatterns: list[URLPattern | URLResolver] = [
    path("items/<uuid:item>/progress/", pages.item_progress, name="item_progress"),
    path("items/<uuid:item>/similar/", comparisons.similar, name="similar"),
    path("items/<uuid:item>/compare/<uuid:other>/", comparisons.compare, name="compare_items"),
    path("items/<uuid:item>/receipt/", pages.receipt, name="receipt"),
    path("items/<uuid:item>/original/<uuid:file>/", pages.original, name="original"),
    path("items/<uuid:item>/derivative/<uuid:file>/", pages.derivative, name="derivative"),
    path("items/<uuid:item>/retry/<uuid:analysis>/", pages.retry, name="retry"),
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
