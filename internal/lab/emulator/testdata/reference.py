"""Prints the areas under the ROC curve, on held-out rows, of XGBoost and scikit-learn and of the scores that the emulator gave.

Arguments: the training and the held-out CSV, the file of scores.
"""

import json
import sys

import numpy
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train, held = (numpy.genfromtxt(name, delimiter=",") for name in sys.argv[1:3])
scores = json.load(open(sys.argv[3]))
assert scores["labels"] == [int(y) for y in held[:, 0]]
trees = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "eta": 0.3, "nthread": 1}, xgboost.DMatrix(train[:, 1:], train[:, 0]), 60)
line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train[:, 1:], train[:, 0])
library = {"xgboost": trees.predict(xgboost.DMatrix(held[:, 1:])), "linear-learner": line.predict_proba(held[:, 1:])[:, 1]}
for algorithm, answers in library.items():
    there, here = roc_auc_score(held[:, 0], answers), roc_auc_score(held[:, 0], scores[algorithm])
    print(f"{algorithm}: area {here:.4f} here, {there:.4f} with the library")
    assert here >= there - 0.02, algorithm
