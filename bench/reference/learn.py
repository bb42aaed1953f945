#!/usr/bin/env python3
"""Writes the reference for internal/lab/learn: what scikit-learn and XGBoost reach on the same split.

    python3 -m venv ~/.cache/betimes-reference
    ~/.cache/betimes-reference/bin/pip install scikit-learn==1.9.1 xgboost==3.2.0 lightgbm==4.7.0
    ~/.cache/betimes-reference/bin/python bench/reference/learn.py

Run from the top of the repository. The data sets ship inside scikit-learn. Files written to
internal/lab/learn/testdata: NAME-train.csv and NAME-held.csv (label first, no header), reference.json
(areas under the ROC curve on the held-out rows), and one model file each of XGBoost and LightGBM with its own answers.
"""

import json
import math
import pathlib

import lightgbm
import numpy
import sklearn
import xgboost
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

OUT = pathlib.Path("internal/lab/learn/testdata")
TREES = {"objective": "binary:logistic", "num_round": 60, "max_depth": 4, "eta": 0.3}


def with_holes(x, share, seed):
    """Empties a share of the cells: the trees must learn where a missing value goes."""
    x = x.astype(float).copy()
    x[numpy.random.default_rng(seed).random(x.shape) < share] = math.nan
    return x


def data_sets():
    cancer = load_breast_cancer()
    digits = load_digits()
    yield "breast-cancer", cancer.data, cancer.target
    yield "breast-cancer-holes", with_holes(cancer.data, 0.15, 1), cancer.target
    yield "digits-from-5", digits.data, (digits.target >= 5).astype(int)


def write_csv(path, x, y):
    with open(path, "w", encoding="ascii") as f:
        for label, row in zip(y, x):
            f.write(",".join([str(int(label))] + ["" if math.isnan(v) else f"{v:g}" for v in row]) + "\n")


def read_csv(path):
    table = numpy.genfromtxt(path, delimiter=",")
    return table[:, 1:], table[:, 0]


def train_trees(x, y):
    params = {k: v for k, v in TREES.items() if k != "num_round"}
    return xgboost.train(params, xgboost.DMatrix(x, y), TREES["num_round"])


def save_models(x_train, y_train, x_held):
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3}, xgboost.DMatrix(x_train, y_train), 8)
    booster.save_model(OUT / "xgboost-model.json")
    booster.save_model(OUT / "xgboost-model.ubj")
    save_answers("xgboost", booster.predict(xgboost.DMatrix(x_held)))
    params = {"objective": "binary", "num_leaves": 8, "min_data_in_leaf": 10, "verbosity": -1, "seed": 0, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(x_train, y_train), 8)
    booster.save_model(OUT / "lightgbm-model.txt")
    save_answers("lightgbm", booster.predict(x_held))


def save_answers(name, answers):
    (OUT / f"{name}-answers.json").write_text(json.dumps([round(float(a), 7) for a in answers]) + "\n")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    reference = {"scikit_learn": sklearn.__version__, "xgboost": xgboost.__version__, "trees": TREES, "auc": {}}
    for name, x, y in data_sets():
        parts = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
        write_csv(OUT / f"{name}-train.csv", parts[0], parts[2])
        write_csv(OUT / f"{name}-held.csv", parts[1], parts[3])
        x_train, y_train = read_csv(OUT / f"{name}-train.csv")
        x_held, y_held = read_csv(OUT / f"{name}-held.csv")
        booster = train_trees(x_train, y_train)
        forest = HistGradientBoostingClassifier(max_iter=60, max_depth=4, learning_rate=0.3, random_state=0)
        auc = {
            "xgboost": roc_auc_score(y_held, booster.predict(xgboost.DMatrix(x_held))),
            "hist_gradient_boosting": roc_auc_score(y_held, forest.fit(x_train, y_train).predict_proba(x_held)[:, 1]),
        }
        if not numpy.isnan(x_train).any():
            line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            auc["logistic_regression"] = roc_auc_score(y_held, line.fit(x_train, y_train).predict_proba(x_held)[:, 1])
        reference["auc"][name] = {k: round(float(v), 5) for k, v in auc.items()}
        if name == "breast-cancer-holes":
            save_models(x_train, y_train, x_held)
    (OUT / "reference.json").write_text(json.dumps(reference, indent=2) + "\n")


if __name__ == "__main__":
    main()
