import pytest
import yaml

from faceproof import results
from faceproof.app.spaces import pin_requirements
from faceproof.errors import InputError
from faceproof.reports.cards import KINDS, describe_model, render_space_card
from faceproof.reports.numbers import read_numbers
from faceproof.reports.templates import render_template
from faceproof.results import REPOSITORY


def test_the_models_card_has_one_result_for_each_axis() -> None:
    released = read_numbers(REPOSITORY)["released"]
    listed = yaml.safe_load(describe_model(released))["model-index"][0]["results"]
    values = {one["dataset"]["config"]: one["metrics"][0]["value"] for one in listed}
    assert set(KINDS) < set(values)
    assert values["auroc_swap"] == released.test_auroc_swap
    assert all(len(one["metrics"]) == 1 for one in listed)


def test_the_spaces_card_names_the_installed_gradio() -> None:
    card = render_space_card()
    metadata = yaml.safe_load(card.split("---")[1])
    assert f"gradio=={metadata['sdk_version']}\n" in pin_requirements(["gradio"])


def test_a_package_without_a_pin_is_refused() -> None:
    with pytest.raises(InputError, match="left-pad"):
        pin_requirements(["left-pad"])


@pytest.mark.parametrize("name", ["results", "results_orl", "results_portraits", "results_release"])
def test_a_datasets_card_says_how_to_cite_and_what_for(name: str) -> None:
    values = results.read(REPOSITORY / f"dataset_builder/{name}.json").values
    card = render_template(
        "dataset_builder/card.md.j2", metadata="a: b\n", build=values, columns={},
        facts=dict.fromkeys(
            ("data_collection", "licence", "personal_sensitive_information", "data_biases",
             "data_limitations", "data_use_cases"), "said"),
    )  # fmt: skip
    assert "@software{faceproof," in card
    assert "## Intended use\n\nsaid" in card
