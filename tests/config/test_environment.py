"""What an operator writes is read as meant, or refused with the name of the variable."""

from pathlib import Path

import pytest

from config.environment import SettingError, read


def test_nothing_need_be_set() -> None:
    assert read({}).MUNIMENT_PORT == 8000


def test_an_empty_value_means_the_default() -> None:
    assert read({"MUNIMENT_PORT": "", "DATABASE_URL": ""}) == read({})


def test_values_come_in_their_types() -> None:
    environment = read(
        {"MUNIMENT_PORT": "8001", "MUNIMENT_HTTPS": "Yes", "MUNIMENT_DATA_DIR": "~/kept"}
    )

    assert environment.MUNIMENT_PORT == 8001
    assert environment.MUNIMENT_HTTPS is True
    assert Path.home() / "kept" == environment.MUNIMENT_DATA_DIR


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")

    environment = read({"S3_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret")})

    assert environment.S3_SECRET_ACCESS_KEY == "hush"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"MUNIMENT_PORT": "many"}, "MUNIMENT_PORT is 'many'; write a whole number"),
        ({"MUNIMENT_PORT": "-1"}, "MUNIMENT_PORT is '-1'"),
        ({"MUNIMENT_DEBUG": "perhaps"}, "MUNIMENT_DEBUG is 'perhaps'; write yes or no"),
        ({"REDIS_URL_FILE": "/nowhere/at/all"}, "REDIS_URL_FILE: /nowhere/at/all can't be read"),
        ({"REDIS_URL": "a", "REDIS_URL_FILE": "b"}, "either REDIS_URL or REDIS_URL_FILE"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(variables: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named.replace("(", r"\(")):
        read(variables)
