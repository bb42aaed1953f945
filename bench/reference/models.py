#!/usr/bin/env python3
"""Writes models of XGBoost and LightGBM, and what those answer, for internal/lab/learn.

    ~/.cache/betimes-reference/bin/python bench/reference/models.py

The environment is that of learn.py; run it from the top of the repository. Files written to
internal/lab/learn/testdata/foreign: rows.csv (no label), a model per kind, and answers.json: a list per model, of
numbers or, for models of several classes, of lists.
"""

import json
import math
import pathlib

import lightgbm
import numpy
import xgboost

OUT = pathlib.Path("internal/lab/learn/testdata/foreign")
ROWS, HELD, CATEGORIES = 400, 80, [3, 4]


def data():
    """Five columns: two with gaps, one mostly zero, two of categories; labels of several kinds."""
    random = numpy.random.default_rng(7)
    x = random.normal(size=(ROWS, 5))
    x[random.random(ROWS) < 0.2, 0] = math.nan
    x[:, 1] = numpy.round(x[:, 1], 1)
    x[random.random(ROWS) < 0.6, 2] = 0
    x[:, 3] = random.integers(0, 40, ROWS)
    x[:, 4] = random.integers(0, 3, ROWS)
    x[random.random(ROWS) < 0.1, 4] = math.nan
    score = numpy.nan_to_num(x[:, 0]) + x[:, 2] + (x[:, 3] % 7 > 3) + numpy.nan_to_num(x[:, 4]) * 0.5 + random.normal(scale=0.3, size=ROWS)
    x = numpy.array([[float(f"{v:.6g}") for v in row] for row in x])
    return x, score


def write_rows(x):
    with open(OUT / "rows.csv", "w", encoding="ascii") as f:
        for row in x:
            f.write(",".join("" if math.isnan(v) else f"{v:.6g}" for v in row) + "\n")


def xgboost_models(x, score):
    binary, classes, positive = (score > 0.8).astype(int), numpy.digitize(score, [0.3, 1.3]), numpy.exp(score / 2)
    ordinal = dict(max_depth=3, eta=0.5, seed=1)
    by_category = ordinal | dict(tree_method="hist", categorical=True)
    kinds = {
        "categories": (by_category | dict(objective="reg:squarederror", max_cat_to_onehot=1), score),
        "one-hot": (by_category | dict(objective="binary:logistic", max_cat_to_onehot=50), binary),
        "dart": (ordinal | dict(objective="binary:logistic", booster="dart", rate_drop=0.5), binary),
        "forest": (ordinal | dict(objective="binary:logistic", num_parallel_tree=3, subsample=0.7), binary),
        "softmax": (ordinal | dict(objective="multi:softmax", num_class=3), classes),
        "softprob": (by_category | dict(objective="multi:softprob", num_class=3), classes),
        "poisson": (ordinal | dict(objective="count:poisson"), numpy.round(positive)),
        "gamma": (ordinal | dict(objective="reg:gamma"), positive),
        "tweedie": (ordinal | dict(objective="reg:tweedie"), positive),
        "hinge": (ordinal | dict(objective="binary:hinge"), binary),
        "logitraw": (ordinal | dict(objective="binary:logitraw"), binary),
        "absolute": (ordinal | dict(objective="reg:absoluteerror"), score),
        "huber": (ordinal | dict(objective="reg:pseudohubererror"), score),
        "cox": (ordinal | dict(objective="survival:cox"), positive),
        "linear": (dict(objective="reg:squarederror", booster="gblinear"), score),
        "targets": (ordinal | dict(objective="reg:squarederror"), numpy.stack([score, -score], axis=1)),
    }
    for name, (params, y) in kinds.items():
        params = dict(params)
        grouped = params.pop("categorical", False)
        types = ["c" if i in CATEGORIES else "q" for i in range(x.shape[1])] if grouped else None
        trained = xgboost.DMatrix(x[HELD:], y[HELD:], feature_types=types, enable_categorical=types is not None)
        booster = xgboost.train(params, trained, 6)
        for form in ["json", "ubj"] if name in ["categories", "softprob"] else ["json"]:
            booster.save_model(OUT / f"xgboost-{name}.{form}")
        yield f"xgboost-{name}", booster.predict(xgboost.DMatrix(x[:HELD], feature_types=types, enable_categorical=types is not None))


def lightgbm_models(x, score):
    binary, classes, positive = (score > 0.8).astype(int), numpy.digitize(score, [0.3, 1.3]), numpy.exp(score / 2)
    plain = dict(num_leaves=7, min_data_in_leaf=10, verbosity=-1, seed=0, num_threads=1, learning_rate=0.4)
    kinds = {
        "categories": (plain | dict(objective="binary", categorical=True, min_data_per_group=5, cat_smooth=1), binary),
        "zero-as-missing": (plain | dict(objective="regression", zero_as_missing=True), score),
        "no-missing": (plain | dict(objective="regression", use_missing=False), score),
        "dart": (plain | dict(objective="binary", boosting="dart", drop_rate=0.5, skip_drop=0), binary),
        "forest": (plain | dict(objective="binary", boosting="rf", bagging_freq=1, bagging_fraction=0.6), binary),
        "slope": (plain | dict(objective="binary", sigmoid=2.5), binary),
        "classes": (plain | dict(objective="multiclass", num_class=3, categorical=True), classes),
        "one-against-all": (plain | dict(objective="multiclassova", num_class=3), classes),
        "entropy": (plain | dict(objective="cross_entropy"), binary),
        "entropy-lambda": (plain | dict(objective="cross_entropy_lambda"), binary),
        "absolute": (plain | dict(objective="regression_l1"), score),
        "huber": (plain | dict(objective="huber"), score),
        "quantile": (plain | dict(objective="quantile", alpha=0.9), score),
        "root": (plain | dict(objective="regression", reg_sqrt=True), positive),
        "poisson": (plain | dict(objective="poisson"), positive),
        "gamma": (plain | dict(objective="gamma"), positive),
        "tweedie": (plain | dict(objective="tweedie"), positive),
        "linear": (plain | dict(objective="regression", linear_tree=True), score),
    }
    for name, (params, y) in kinds.items():
        params = dict(params)
        grouped = CATEGORIES if params.pop("categorical", False) else []
        booster = lightgbm.train(params, lightgbm.Dataset(x[HELD:], y[HELD:], categorical_feature=grouped, params=params), 6)
        booster.save_model(OUT / f"lightgbm-{name}.txt")
        yield f"lightgbm-{name}", booster.predict(x[:HELD])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    x, score = data()
    write_rows(x[:HELD])
    answers = dict(xgboost_models(x, score)) | dict(lightgbm_models(x, score))
    lines = [f" {json.dumps(name)}: {json.dumps(numpy.round(numpy.asarray(a, dtype=float), 7).tolist())}" for name, a in answers.items()]
    (OUT / "answers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
