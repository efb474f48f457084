"""The custody report's fixed words and the sentences of custody, in Ukrainian, Korean and English.

Values (outcomes, methods, levels, kinds) stay the archive's own codes, which the ledger has too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archive.proof import events
from evidence.formats.showing import label

LANGUAGES = ("en", "uk", "ko")

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Custody report",
        "what_it_is": (
            "This report repeats in words what the archive's custody ledger records of each "
            "exhibit. The proof is not in this report but in the bundle that it came with: the "
            "entries, their inclusion proofs and the signed checkpoint in data/custody/, which "
            "verify.html and verify.pyz check."
        ),
        "bundle": "Bundle",
        "organisation": "Made by",
        "contact": "Questions to",
        "made_at": "Made at (UTC)",
        "recipient": "Recipient",
        "purpose": "Purpose",
        "ledger": "Custody ledger",
        "entries": "{count} entries",
        "exhibits": "Exhibits",
        "key": "The archive's key, SHA-256 fingerprint",
        "compare": (
            "Compare this fingerprint with the one that the archive gives you by telephone, on "
            "paper or on its own site. A key that comes with a bundle proves nothing about a forger."
        ),
        "exhibit": "Exhibit",
        "kind": "Kind",
        "case": "Case",
        "about": "Description",
        "files": "Files",
        "path": "In the bundle",
        "original_name": "Name when it came in",
        "size": "Size",
        "bytes": "{count} bytes",
        "digest": "SHA-256",
        "no_files": "No file of this exhibit is in the bundle.",
        "withheld": "Withheld",
        "what": "What",
        "why": "Why",
        "custody": "Custody",
        "entry": "Entry",
        "recorded": "Recorded (UTC)",
        "happened": "What happened",
        "actor": "Actor",
        "summary": (
            "There are too many files and entries for one report. It names each exhibit and how "
            "often it stands in the ledger; data/tables/ and data/README.html have everything."
        ),
        "totals": (
            "There are too many exhibits for one report. data/tables/ and data/README.html have "
            "everything."
        ),
        "first": "First entry",
        "last": "Last entry",
        "limits": "What this proves, and what it does not",
        "limits_text": (
            "The bundle shows that its files are those that the archive recorded, and in which "
            "order what was recorded. It does not show that a picture or a statement is true. "
            "Times are the archive's own clock. Actors are opaque: the archive knows who they are. "
            "A dishonest archive that also holds the signing key could show different people "
            "different histories; keep the bundle, and compare the checkpoint in "
            "data/custody/checkpoint with later ones."
        ),
        "extract": "Extract from the custody ledger",
        "extract_is": (
            "This extract repeats in words the entries that the filters below leave, in the order "
            "in which they were recorded. It holds nothing personal: an entry has only the digests "
            "of such values. Bundles and the ledger's signed checkpoints prove; this extract does not."
        ),
        "extract_limits": (
            "An extract shows what was recorded, not that nothing else was: what the filters leave "
            "out is missing without a gap. Each entry's leaf hash stands in the CSV and JSON Lines "
            "of the same extract, and can be held against the ledger."
        ),
        "filters": "Filters",
        "everything": "none: the whole ledger",
        "unfit": "No entry fits.",
        "receipt": "Receipt",
        "receipt_is": (
            "This archive holds the file named below, byte for byte as it arrived, and has recorded "
            "so in its custody ledger."
        ),
        "receipt_reference": "Reference",
        "receipt_declared": "Sender's digest",
        "receipt_match": "equal to the archive's",
        "receipt_mismatch": "DIFFERENT from the archive's",
        "receipt_none": "none was given",
        "receipt_entry": "Hash of the ledger's entry",
        "receipt_keep": (
            "Keep this. Whoever holds it can ask the archive, or check in any later bundle, that "
            "the entry is still in the ledger and names the same file. The digests can be compared "
            "with a copy of the file by any program that computes SHA-256 or SHA-512."
        ),
        "unprintable": (
            "Characters that the fonts of this report lack stand as their Unicode numbers, such as "
            "[U+5B57]."
        ),
        "page": "Page {page} of {pages}",
    },
    "uk": {
        "title": "Звіт про збереження доказів",
        "what_it_is": (
            "Цей звіт словами повторює те, що журнал збереження архіву записав про кожен речовий "
            "доказ. Доказова сила не в самому звіті, а в пакеті, з яким він надійшов: це записи, "
            "підтвердження їх включення та підписана контрольна точка в data/custody/, які "
            "перевіряють verify.html і verify.pyz."
        ),
        "bundle": "Пакет",
        "organisation": "Склав",
        "contact": "Запитання надсилати",
        "made_at": "Складено (UTC)",
        "recipient": "Одержувач",
        "purpose": "Мета",
        "ledger": "Журнал збереження",
        "entries": "записів: {count}",
        "exhibits": "Речові докази",
        "key": "Ключ архіву, відбиток SHA-256",
        "compare": (
            "Порівняйте цей відбиток із тим, який архів повідомить вам телефоном, на папері або на "
            "власному сайті. Ключ, що надійшов разом із пакетом, нічого не доводить щодо підробника."
        ),
        "exhibit": "Речовий доказ",
        "kind": "Вид",
        "case": "Справа",
        "about": "Опис",
        "files": "Файли",
        "path": "У пакеті",
        "original_name": "Назва під час надходження",
        "size": "Розмір",
        "bytes": "байтів: {count}",
        "digest": "SHA-256",
        "no_files": "Жодного файлу цього доказу в пакеті немає.",
        "withheld": "Не передано",
        "what": "Що",
        "why": "Чому",
        "custody": "Збереження",
        "entry": "Запис",
        "recorded": "Записано (UTC)",
        "happened": "Що сталося",
        "actor": "Виконавець",
        "summary": (
            "Файлів і записів забагато для одного звіту. У ньому названо кожен доказ і кількість "
            "записів про нього; усе інше є в data/tables/ та data/README.html."
        ),
        "totals": ("Доказів забагато для одного звіту. Усе є в data/tables/ та data/README.html."),
        "first": "Перший запис",
        "last": "Останній запис",
        "limits": "Що це доводить і чого не доводить",
        "limits_text": (
            "Пакет показує, що його файли є тими, які записав архів, і в якому порядку що було "
            "записано. Він не показує, що зображення чи свідчення правдиві. Час наведено за "
            "годинником архіву. Виконавців позначено знаками: хто вони, знає архів. Нечесний "
            "архів, який має ключ підпису, міг би показувати різним людям різну історію; "
            "збережіть пакет і порівнюйте контрольну точку в data/custody/checkpoint з пізнішими."
        ),
        "extract": "Витяг із журналу збереження",
        "extract_is": (
            "Цей витяг словами повторює записи, які лишають наведені нижче фільтри, у тому порядку, "
            "в якому їх зроблено. У ньому немає нічого особистого: запис містить лише дайджести "
            "таких відомостей. Доводять пакети та підписані контрольні точки журналу, а не витяг."
        ),
        "extract_limits": (
            "Витяг показує, що було записано, а не те, що іншого не було: чого не лишили фільтри, "
            "того бракує без сліду. Геш кожного запису є в CSV і JSON Lines того самого витягу; "
            "його можна звірити з журналом."
        ),
        "filters": "Фільтри",
        "everything": "немає: увесь журнал",
        "unfit": "Жоден запис не відповідає.",
        "receipt": "Розписка",
        "receipt_is": (
            "Цей архів зберігає названий нижче файл байт у байт таким, яким він надійшов, і записав "
            "це до свого журналу збереження."
        ),
        "receipt_reference": "Номер",
        "receipt_declared": "Дайджест відправника",
        "receipt_match": "збігається з архівним",
        "receipt_mismatch": "НЕ ЗБІГАЄТЬСЯ з архівним",
        "receipt_none": "не вказано",
        "receipt_entry": "Геш запису журналу",
        "receipt_keep": (
            "Зберігайте цю розписку. Той, хто її має, може запитати архів або перевірити в будь-якому "
            "пізнішому пакеті, що запис досі є в журналі й називає той самий файл. Дайджести можна "
            "звірити з копією файлу будь-якою програмою, яка обчислює SHA-256 чи SHA-512."
        ),
        "unprintable": (
            "Символи, яких немає у шрифтах цього звіту, подано їхніми номерами Unicode, наприклад "
            "[U+5B57]."
        ),
        "page": "Сторінка {page} з {pages}",
    },
    "ko": {
        "title": "증거 보관 보고서",
        "what_it_is": (
            "이 보고서는 각 증거물에 대하여 아카이브의 보관 원장이 기록한 내용을 글로 옮긴 것입니다. "
            "증명은 이 보고서가 아니라 함께 전달된 묶음에 있습니다. data/custody/에 있는 기록, 포함 증명, "
            "서명된 체크포인트를 verify.html과 verify.pyz로 검증할 수 있습니다."
        ),
        "bundle": "묶음",
        "organisation": "작성 기관",
        "contact": "문의처",
        "made_at": "작성 시각 (UTC)",
        "recipient": "수신자",
        "purpose": "목적",
        "ledger": "보관 원장",
        "entries": "기록 {count}건",
        "exhibits": "증거물",
        "key": "아카이브 키의 SHA-256 지문",
        "compare": (
            "이 지문을 아카이브가 전화, 문서 또는 자체 사이트로 알려 준 지문과 비교하십시오. 묶음에 함께 "
            "들어 있는 키만으로는 위조 여부를 알 수 없습니다."
        ),
        "exhibit": "증거물",
        "kind": "종류",
        "case": "사건",
        "about": "설명",
        "files": "파일",
        "path": "묶음 안의 위치",
        "original_name": "접수 당시 이름",
        "size": "크기",
        "bytes": "{count}바이트",
        "digest": "SHA-256",
        "no_files": "이 증거물의 파일은 묶음에 들어 있지 않습니다.",
        "withheld": "제공하지 않은 것",
        "what": "내용",
        "why": "이유",
        "custody": "보관 이력",
        "entry": "기록",
        "recorded": "기록 시각 (UTC)",
        "happened": "있었던 일",
        "actor": "행위자",
        "summary": (
            "파일과 기록이 너무 많아 한 보고서에 담을 수 없습니다. 여기에는 각 증거물과 그 기록 수만 "
            "적었으며, 전체는 data/tables/와 data/README.html에 있습니다."
        ),
        "totals": (
            "증거물이 너무 많아 한 보고서에 담을 수 없습니다. 전체는 data/tables/와 "
            "data/README.html에 있습니다."
        ),
        "first": "첫 기록",
        "last": "마지막 기록",
        "limits": "이것이 증명하는 것과 증명하지 않는 것",
        "limits_text": (
            "이 묶음은 그 파일들이 아카이브가 기록한 바로 그 파일이며 무엇이 어떤 순서로 기록되었는지를 "
            "보여 줍니다. 사진이나 진술이 사실이라는 것을 보여 주지는 않습니다. 시각은 아카이브 자체의 시계를 "
            "따릅니다. 행위자는 부호로만 적혀 있으며 누구인지는 아카이브가 압니다. 서명 키를 가진 정직하지 않은 "
            "아카이브라면 사람마다 다른 이력을 보여 줄 수도 있습니다. 묶음을 보관하고 data/custody/checkpoint의 "
            "체크포인트를 이후의 것과 비교하십시오."
        ),
        "extract": "보관 원장 발췌",
        "extract_is": (
            "이 발췌는 아래 조건에 맞는 기록을 기록된 순서대로 글로 옮긴 것입니다. 개인 정보는 들어 있지 않으며, "
            "기록에는 그 값의 다이제스트만 있습니다. 증명은 묶음과 서명된 체크포인트가 하며 이 발췌가 하지 않습니다."
        ),
        "extract_limits": (
            "발췌는 무엇이 기록되었는지를 보여 줄 뿐, 다른 기록이 없었음을 보여 주지 않습니다. 조건에 맞지 않는 "
            "기록은 흔적 없이 빠집니다. 각 기록의 해시는 같은 발췌의 CSV와 JSON Lines에 있으며 원장과 대조할 수 있습니다."
        ),
        "filters": "조건",
        "everything": "없음: 원장 전체",
        "unfit": "맞는 기록이 없습니다.",
        "receipt": "접수증",
        "receipt_is": (
            "이 아카이브는 아래 파일을 도착한 그대로 한 바이트도 다르지 않게 보관하며, 그 사실을 보관 원장에 "
            "기록했습니다."
        ),
        "receipt_reference": "접수 번호",
        "receipt_declared": "보낸 사람의 다이제스트",
        "receipt_match": "아카이브의 것과 같음",
        "receipt_mismatch": "아카이브의 것과 다름",
        "receipt_none": "제시되지 않음",
        "receipt_entry": "원장 기록의 해시",
        "receipt_keep": (
            "이 접수증을 보관하십시오. 이것을 가진 사람은 그 기록이 원장에 그대로 있으며 같은 파일을 가리키는지 "
            "아카이브에 묻거나 이후의 묶음에서 확인할 수 있습니다. 다이제스트는 SHA-256 또는 SHA-512를 계산하는 "
            "어떤 프로그램으로든 파일 사본과 비교할 수 있습니다."
        ),
        "unprintable": ("이 보고서의 글꼴에 없는 문자는 [U+5B57]처럼 유니코드 번호로 적습니다."),
        "page": "{pages}쪽 중 {page}쪽",
    },
}

#: By language and kind of event, the sentence of ``events.KINDS`` in that language.
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "en": {kind: event.sentence for kind, event in events.KINDS.items()},
    "uk": {
        "log.created": "Журнал відкрито для {organisation}.",
        "case.opened": "Справу відкрито.",
        "case.changed": "Справу змінено: {fields}.",
        "case.member_added": "{member} отримує доступ до справи в ролі {role}.",
        "case.member_ended": "{member} більше не має доступу до справи.",
        "permission.changed": "Обліковому запису {member} надано ролі: {roles}.",
        "token.issued": "Для {holder} видано токен: {scopes}. Він діє до {expires_at}.",
        "token.revoked": "Токен, виданий для {holder}, відкликано.",
        "item.registered": "Об'єкт зареєстровано як доказ {exhibit_number}, вид: {item_kind}.",
        "item.acquired": (
            "Об'єкт отримано способом {method}; його дайджест обчислив {hash_computed_by}."
        ),
        "media.ingested": (
            "Прийнято й опечатано файл, байтів: {size}; його дайджест SHA-256: {sha256}."
        ),
        "item.described": "Опис об'єкта змінено: {fields}.",
        "media.format_identified": (
            "Формат файлу досліджено засобом {tool} {version}; результат: {outcome}."
        ),
        "media.metadata_extracted": (
            "Вбудовані у файл відомості прочитано засобом {tool} {version}; результат: {outcome}."
        ),
        "media.fingerprinted": (
            "Подібнісний відбиток файлу знято засобом {tool} {version}; результат: {outcome}."
        ),
        "item.derived": (
            "З файлу засобом {tool} {version} виготовлено похідний файл ({derivation}), байтів: "
            "{size}."
        ),
        "item.compared": "Об'єкт порівняно з іншим; рішення: {decision}.",
        "media.fixity_checked": "Файл перечитано й порівняно з його SHA-256; результат: {outcome}.",
        "media.repaired": (
            "Пошкоджений або втрачений файл замінено справжніми байтами з SHA-256 {sha256}."
        ),
        "media.fixity_failed": (
            "Файл перечитано, і він не такий, яким його опечатано; результат: {outcome}."
        ),
        "person.recorded": "Особу зі справи описано під псевдонімом ({protected_status}).",
        "person.fact_recorded": "Відомість про особу записано в зашифрованому вигляді: {fact}.",
        "person.identity_revealed": "Виконавцеві показано відомість про особу: {fact}.",
        "statement.recorded": "Записано обставини свідчення; його форма: {form}.",
        "statement.mediated": (
            "Записано ланку між тим, хто свідчить, і читачем: {mode}, з {from_language} на "
            "{to_language}."
        ),
        "statement.segment_recorded": "Позначено уривок свідчення.",
        "statement.words_recorded": "Слова уривка записано, мова: {language}.",
        "document.described": (
            "Записано, що зазначено в документі, який посвідчує особу, і хто його мав при собі "
            "({document_type})."
        ),
        "claim.recorded": (
            "Записано твердження ({claim_kind}). Ніщо не свідчить, що воно правдиве."
        ),
        "claim.evidence_recorded": "Об'єкт зіставлено з твердженням; відношення: {bearing}.",
        "assessment.made": (
            "Оцінено {target}: {status}; надійність джерела {source_reliability}, достовірність "
            "відомостей {information_credibility}."
        ),
        "item.classified": "Рівень захисту об'єкта змінено з {before} на {after}.",
        "item.lowering_requested": (
            "Подано запит на нижчий рівень захисту: {level}. Вирішує інша особа."
        ),
        "item.lowering_refused": "У запитаному нижчому рівні захисту відмовлено.",
        "item.embargoed": "До {until} нічого з об'єкта не виходить з архіву.",
        "item.embargo_ended": "Ембарго на об'єкт припинено достроково.",
        "item.hold_placed": "На об'єкт накладено утримання: його не можна вилучати.",
        "item.hold_lifted": "Утримання об'єкта скасовано.",
        "item.withdrawn": "Об'єкт відкликано: на нього більше не покладаються. Усе збережено.",
        "item.reinstated": "На об'єкт знову покладаються.",
        "item.disposal_proposed": "Запропоновано вилучити об'єкт. Вирішує інша особа.",
        "item.disposal_refused": (
            "Особа, яка не подавала пропозиції, відмовила у вилученні об'єкта."
        ),
        "item.disposed": "Об'єкт вилучено рішенням двох осіб. Його історія лишається.",
        "item.redaction_requested": "Подано запит на копію з вилученнями.",
        "item.redacted": (
            "З файлу виготовлено копію з вилученнями ({outcome}); оригінал не змінено."
        ),
        "profile.saved": (
            "Збережено версію {version} профілю експорту: із чутливого {sensitive}, з решти {other}; "
            "імена з записів журналу: {discloses}; не входить: {leaves_out}."
        ),
        "profile.withdrawn": "Профіль експорту відкликано: за ним більше нічого не виходить.",
        "release.requested": (
            "Подано запит на передання одержувачеві ({recipient_class}): {items}. Вирішує інша "
            "особа."
        ),
        "release.authorised": "Передання дозволила особа, яка не подавала запиту.",
        "release.refused": "У переданні відмовила особа, яка не подавала запиту.",
        "release.revoked": "Дозвіл на передання відкликано; за ним більше нічого не передають.",
        "release.receipt_acknowledged": (
            "Записано дайджест отриманого, який повідомив одержувач ({outcome})."
        ),
        "item.accessed": "Об'єкт переглянуто ({rendition}); мета: {purpose}.",
        "item.downloaded": "Оригінал завантажено; його SHA-256: {sha256}.",
        "access.denied": "Спробу {act} щодо {what} відхилено: {reason}.",
        "session.login": "Хтось увійшов до системи.",
        "session.logout": "Хтось вийшов із системи.",
        "session.login_failed": "Спроба ввійти до системи не вдалася.",
        "export.requested": "Подано запит на пакет об'єктів {items} за профілем «{profile}».",
        "export.created": "Складено пакет {bundle}; кількість об'єктів: {items}.",
        "item.exported": "Об'єкт увійшов до пакета {bundle}.",
        "export.completed": (
            "Пакет {bundle} завершено й перевірено; байтів: {size}, SHA-256: {sha256}."
        ),
        "export.failed": "Пакет {bundle} не вдалося скласти: {reason}.",
        "export.downloaded": "Пакет {bundle} завантажено; його SHA-256: {sha256}.",
        "bundle.imported": (
            "Прийнято пакет {identifier} з {origin}; висновок: {verdict}; нових об'єктів: {items}."
        ),
        "item.imported": (
            "Об'єкт надійшов із пакетом, вміст якого {packet_sha256}; попередніх записів про його "
            "збереження: {entries}."
        ),
        "ledger.read": "Журнал читали: {view}.",
        "ledger.verified": "Журнал перевірено до запису з номером {size}; результат: {outcome}.",
        "key.rotated": "Ключ підпису журналу замінено.",
        "key.revoked": "Ключ підпису журналу відкликано: {reason}.",
        "checkpoint.timestamped": (
            "Служба {tsa} засвідчила, що перші {size} записів існували {gen_time}."
        ),
        "clock.anomaly": "Годинник сервера повернувся назад на {went_back_us} мікросекунд.",
        "correction": "Запис {seq} виправлено.",
        "log.restored": "Записи від {from_size} до {size} повернуто в давнішу базу даних.",
        "disclosure.erased": "Персональні дані стерто на правовій підставі «{basis}»: {digests}.",
    },
    "ko": {
        "log.created": "{organisation}의 원장을 열었습니다.",
        "case.opened": "사건을 열었습니다.",
        "case.changed": "사건을 변경했습니다: {fields}.",
        "case.member_added": "{member}에게 사건 접근 권한을 주었습니다. 역할: {role}.",
        "case.member_ended": "{member}의 사건 접근 권한을 끝냈습니다.",
        "permission.changed": "{member} 계정의 역할을 정했습니다: {roles}.",
        "token.issued": "{holder}에게 토큰을 발급했습니다: {scopes}. 만료: {expires_at}.",
        "token.revoked": "{holder}의 토큰을 회수했습니다.",
        "item.registered": "증거물 {exhibit_number}(으)로 등록했습니다. 종류: {item_kind}.",
        "item.acquired": "{method} 방법으로 입수했습니다. 다이제스트 계산 주체: {hash_computed_by}.",
        "media.ingested": "{size}바이트 파일을 접수하여 봉인했습니다. SHA-256: {sha256}.",
        "item.described": "증거물의 설명을 변경했습니다: {fields}.",
        "media.format_identified": "{tool} {version}(으)로 파일 형식을 조사했습니다. 결과: {outcome}.",
        "media.metadata_extracted": (
            "{tool} {version}(으)로 파일에 내장된 정보를 읽었습니다. 결과: {outcome}."
        ),
        "media.fingerprinted": (
            "{tool} {version}(으)로 파일의 유사도 지문을 만들었습니다. 결과: {outcome}."
        ),
        "item.derived": (
            "{tool} {version}(으)로 파일에서 {size}바이트의 파생물({derivation})을 만들었습니다."
        ),
        "item.compared": "다른 증거물과 비교했습니다. 판단: {decision}.",
        "media.fixity_checked": "파일을 다시 읽어 SHA-256과 비교했습니다. 결과: {outcome}.",
        "media.repaired": (
            "손상되거나 없어진 파일을 SHA-256 {sha256}인 원래 바이트로 되돌렸습니다."
        ),
        "media.fixity_failed": "파일을 다시 읽었으나 봉인한 것과 다릅니다. 결과: {outcome}.",
        "person.recorded": "사건의 인물을 가명으로 기술했습니다 ({protected_status}).",
        "person.fact_recorded": "인물의 신원에 관한 사실을 암호화하여 기록했습니다: {fact}.",
        "person.identity_revealed": "인물의 신원에 관한 사실을 행위자에게 보여 주었습니다: {fact}.",
        "statement.recorded": "진술의 경위를 기록했습니다. 형식: {form}.",
        "statement.mediated": (
            "진술자와 독자 사이의 단계를 기록했습니다: {mode}, {from_language}에서 {to_language}."
        ),
        "statement.segment_recorded": "진술의 한 대목을 표시했습니다.",
        "statement.words_recorded": "대목의 말을 받아 적었습니다. 언어: {language}.",
        "document.described": (
            "신분 문서에 적힌 내용과 그 문서를 지녔던 사람을 기록했습니다 ({document_type})."
        ),
        "claim.recorded": ("주장을 기록했습니다 ({claim_kind}). 그것이 사실임을 뜻하지 않습니다."),
        "claim.evidence_recorded": "증거물을 주장과 대조했습니다. 관계: {bearing}.",
        "assessment.made": (
            "{target} 평가: {status}. 출처 신뢰도 {source_reliability}, 정보 신빙성 "
            "{information_credibility}."
        ),
        "item.classified": "증거물의 보호 수준을 {before}에서 {after}(으)로 변경했습니다.",
        "item.lowering_requested": "더 낮은 보호 수준을 요청했습니다: {level}. 다른 사람이 결정합니다.",
        "item.lowering_refused": "요청된 더 낮은 보호 수준을 거부했습니다.",
        "item.embargoed": "{until} 전에는 이 증거물에서 아무것도 제공하지 않습니다.",
        "item.embargo_ended": "증거물의 공개 유예를 기한 전에 끝냈습니다.",
        "item.hold_placed": "증거물을 보존 조치했습니다. 처분할 수 없습니다.",
        "item.hold_lifted": "증거물의 보존 조치를 해제했습니다.",
        "item.withdrawn": "증거물을 철회했습니다. 더는 근거로 삼지 않지만 모두 그대로 남습니다.",
        "item.reinstated": "증거물을 다시 근거로 삼습니다.",
        "item.disposal_proposed": "증거물의 처분을 제안했습니다. 다른 사람이 결정합니다.",
        "item.disposal_refused": "제안하지 않은 사람이 증거물의 처분을 거부했습니다.",
        "item.disposed": "두 사람의 결정으로 증거물을 처분했습니다. 이력은 남습니다.",
        "item.redaction_requested": "가림 처리본을 요청했습니다.",
        "item.redacted": "파일에서 가림 처리본을 만들었습니다 ({outcome}). 원본은 그대로입니다.",
        "profile.saved": (
            "내보내기 프로파일의 {version}판을 저장했습니다. 민감한 것: {sensitive}, 나머지: {other}, "
            "보관 기록의 이름: {discloses}, 제외: {leaves_out}."
        ),
        "profile.withdrawn": "내보내기 프로파일을 철회했습니다. 더는 이것으로 내보내지 않습니다.",
        "release.requested": (
            "{recipient_class}에 대한 제공을 요청했습니다: {items}. 다른 사람이 결정합니다."
        ),
        "release.authorised": "요청하지 않은 사람이 제공을 허가했습니다.",
        "release.refused": "요청하지 않은 사람이 제공을 거부했습니다.",
        "release.revoked": "허가된 제공을 취소했습니다. 이 허가로는 더 나가지 않습니다.",
        "release.receipt_acknowledged": (
            "도착한 것에 대한 수신자의 다이제스트를 기록했습니다 ({outcome})."
        ),
        "item.accessed": "증거물을 열람했습니다 ({rendition}). 목적: {purpose}.",
        "item.downloaded": "원본을 내려받았습니다. SHA-256: {sha256}.",
        "access.denied": "{what}에 대한 {act} 시도를 거부했습니다: {reason}.",
        "session.login": "로그인이 있었습니다.",
        "session.logout": "로그아웃이 있었습니다.",
        "session.login_failed": "로그인 시도가 실패했습니다.",
        "export.requested": "증거물 {items}의 묶음을 요청했습니다. 프로파일: “{profile}”.",
        "export.created": "묶음 {bundle}을(를) 만들었습니다. 증거물 수: {items}.",
        "item.exported": "증거물이 묶음 {bundle}에 들어갔습니다.",
        "export.completed": (
            "묶음 {bundle}을(를) 완성하고 검증했습니다: {size}바이트, SHA-256 {sha256}."
        ),
        "export.failed": "묶음 {bundle}을(를) 만들지 못했습니다: {reason}.",
        "export.downloaded": "묶음 {bundle}을(를) 내려받았습니다. SHA-256: {sha256}.",
        "bundle.imported": (
            "{origin}의 묶음 {identifier}을(를) 받아들였습니다. 판정: {verdict}. 새 증거물: {items}."
        ),
        "item.imported": (
            "증거물이 묶음과 함께 들어왔습니다. 그 묶음의 나머지: {packet_sha256}. 이전 보관 기록: "
            "{entries}."
        ),
        "ledger.read": "원장을 열람했습니다: {view}.",
        "ledger.verified": "원장을 {size}번 기록까지 검증했습니다. 결과: {outcome}.",
        "key.rotated": "원장의 서명 키를 교체했습니다.",
        "key.revoked": "원장의 서명 키를 폐기했습니다: {reason}.",
        "checkpoint.timestamped": (
            "{tsa} 기관이 처음 {size}건의 기록이 {gen_time}에 있었음을 증명했습니다."
        ),
        "clock.anomaly": "서버 시계가 {went_back_us}마이크로초 뒤로 갔습니다.",
        "correction": "기록 {seq}을(를) 정정했습니다.",
        "log.restored": "{from_size}부터 {size}까지의 기록을 더 오래된 데이터베이스에 되돌렸습니다.",
        "disclosure.erased": "법적 근거 “{basis}”에 따라 개인 값을 지웠습니다: {digests}.",
    },
}


#: By language and name, the catalogue's fields; in English a name says itself.
FIELDS: Mapping[str, Mapping[str, str]] = {
    "en": {},
    "uk": {
        "case": "Справа",
        "exhibit": "Доказ",
        "kind": "Вид запису",
        "actor": "Виконавець",
        "since": "Від (UTC)",
        "until": "До (UTC)",
        "description": "Опис",
        "source": "Джерело",
        "source_is_confidential": "Джерело не розголошується",
        "authored": "Створено",
        "text": "Як зазначено",
        "earliest": "Не раніше",
        "latest": "Не пізніше",
        "basis": "Підстава",
        "place": "Місце",
        "latitude": "Широта",
        "longitude": "Довгота",
        "precision_m": "Точність, м",
        "languages": "Мови",
        "level": "Рівень захисту",
        "markers": "Позначки",
        "status": "Стан",
        "received_at": "Надійшло",
        "not_known": "Невідомо",
        "method": "Спосіб отримання",
        "acquired_by": "Хто отримав",
        "provided_by": "Хто надав",
        "acquired_at": "Коли отримано",
        "time_zone_basis": "Підстава часового поясу",
        "clock": "Годинник",
        "url": "Адреса",
        "authority": "Повноваження",
        "context": "Обставини",
        "known_gaps": "Відомі прогалини",
        "hash_at_acquisition": "Дайджест під час отримання",
        "hash_computed_by": "Хто обчислив дайджест",
        "display_name": "Ім'я, яке показано",
    },
    "ko": {
        "case": "사건",
        "exhibit": "증거물",
        "kind": "기록 종류",
        "actor": "행위자",
        "since": "부터 (UTC)",
        "until": "까지 (UTC)",
        "description": "설명",
        "source": "출처",
        "source_is_confidential": "출처 비공개",
        "authored": "만든 때",
        "text": "적힌 그대로",
        "earliest": "가장 이른 때",
        "latest": "가장 늦은 때",
        "basis": "근거",
        "place": "장소",
        "latitude": "위도",
        "longitude": "경도",
        "precision_m": "정밀도(m)",
        "languages": "언어",
        "level": "보호 수준",
        "markers": "표시",
        "status": "상태",
        "received_at": "접수 시각",
        "not_known": "알려지지 않은 것",
        "method": "입수 방법",
        "acquired_by": "입수한 사람",
        "provided_by": "제공한 사람",
        "acquired_at": "입수 시각",
        "time_zone_basis": "시간대의 근거",
        "clock": "시계",
        "url": "주소",
        "authority": "권한",
        "context": "경위",
        "known_gaps": "알려진 공백",
        "hash_at_acquisition": "입수 당시 다이제스트",
        "hash_computed_by": "다이제스트 계산 주체",
        "display_name": "표시 이름",
    },
}

#: What the archive itself says in English about what it withholds.
PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {},
    "uk": {
        "yes": "так",
        "no": "ні",
        "original file": "файл оригіналу",
        "redacted rendition": "копія з вилученнями",
        "title, description, circumstances and what is claimed in it": (
            "назва, опис, обставини та твердження, що в ньому містяться"
        ),
        "This bundle proves custody; content leaves by another export.": (
            "Цей пакет доводить збереження; вміст передають в іншому пакеті."
        ),
        "People in captivity can be recognised in it.": (
            "У ньому можна впізнати людей, які перебувають у полоні."
        ),
        "It says who somebody is or how they are; ask for it by itself.": (
            "Тут сказано, ким є людина або в якому вона стані; запитуйте окремо."
        ),
    },
    "ko": {
        "yes": "예",
        "no": "아니요",
        "original file": "원본 파일",
        "redacted rendition": "가림 처리본",
        "title, description, circumstances and what is claimed in it": (
            "제목, 설명, 경위 및 그 안의 주장"
        ),
        "This bundle proves custody; content leaves by another export.": (
            "이 묶음은 보관 이력을 증명하며, 내용은 다른 묶음으로 제공합니다."
        ),
        "People in captivity can be recognised in it.": ("포로가 된 사람을 알아볼 수 있습니다."),
        "It says who somebody is or how they are; ask for it by itself.": (
            "누구인지 또는 어떤 상태인지 나타내므로 따로 요청하십시오."
        ),
    },
}


def sentence(kind: str, data: Mapping[str, Any], english: str, language: str) -> str:
    """Say what an entry records; in English where this version doesn't know its kind."""
    template = SENTENCES[language].get(kind)
    return english if template is None else events.filled(template, data)


def field(name: str, language: str) -> str:
    """Name a field of the catalogue; by its own name where this version has no word for it."""
    return FIELDS[language].get(name) or label(name)


def phrase(english: str, language: str) -> str:
    """Say what the archive says of itself; in English where this version has no words for it."""
    return PHRASES[language].get(english, english)
