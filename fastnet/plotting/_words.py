"""The words that the plots write, in English, Korean and Japanese.

The terms are those of the book's Korean and Japanese editions, as in the glossary of the documentation.
"""

# The English words, with `str.format` fields, and what they are in the other languages, in the order of `LANGUAGES`.
WORDS = {
    # training
    "Training": ("학습", "学習"),
    "Loss": ("손실 함수", "損失関数"),
    "Accuracy": ("정확도", "認識精度"),
    "accuracy": ("정확도", "認識精度"),
    "iteration": ("반복 (iteration)", "反復回数 (iteration)"),
    "epoch": ("에폭", "エポック"),
    "training data": ("훈련 데이터", "訓練データ"),
    "test data": ("시험 데이터", "テストデータ"),
    "validation data": ("검증 데이터", "検証データ"),
    "loss on {data}": ("{data}의 손실", "{data}の損失"),
    "accuracy on {data}": ("{data}의 정확도", "{data}の認識精度"),
    "loss of every iteration": ("매 반복의 손실", "各反復の損失"),
    "mean of {window:,} iterations": ("반복 {window:,}회의 평균", "{window:,} 回の反復の平均"),
    "loss of the mini-batch": ("미니배치의 손실", "ミニバッチの損失"),
    "The best trials of the search": ("탐색에서 가장 좋았던 시도", "探索で最も良かった試行"),
    "Best-{place}: {accuracy:.2f}": ("{place}위: {accuracy:.2f}", "{place} 位: {accuracy:.2f}"),
    # predictions
    "Predictions: {wrong} of {all} wrong": ("예측: {all}개 중 {wrong}개 틀림", "予測: {all} 個中 {wrong} 個が誤り"),
    "is {name}": ("정답 {name}", "正解 {name}"),
    "Misclassified: {wrong:,} of {all:,}": ("잘못 분류: {all:,}개 중 {wrong:,}개", "誤分類: {all:,} 個中 {wrong:,} 個"),
    "Misclassified: {wrong:,} of {all:,}, the worst {shown} of them": (
        "잘못 분류: {all:,}개 중 {wrong:,}개, 그중 가장 나쁜 {shown}개",
        "誤分類: {all:,} 個中 {wrong:,} 個、うち最も大きく外れた {shown} 個",
    ),
    "all {all:,} are right": ("{all:,}개 모두 정답", "{all:,} 個すべて正解"),
    "Confusion matrix: {right:,} of {all:,} right ({share:.1%})": (
        "혼동 행렬: {all:,}개 중 {right:,}개 정답 ({share:.1%})",
        "混同行列: {all:,} 個中 {right:,} 個が正解 ({share:.1%})",
    ),
    "predicted class": ("예측한 클래스", "予測したクラス"),
    "right class": ("정답 클래스", "正解のクラス"),
    "Digits found: {count}": ("찾은 숫자: {count}개", "見つかった数字: {count} 個"),
    # what a network sees
    "What the network sees, and why": ("신경망이 보는 것과 그 이유", "ニューラルネットワークに見えるものと、その理由"),
    "gray:\nthe picture\nwithout color": ("회색조:\n색을 뺀 그림", "グレー:\n色を除いた画像"),
    "ink:\nwhat differs from\nthe paper around it": ("잉크:\n주변 종이와\n다른 곳", "インク:\n周りの紙と\n違うところ"),
    "strokes:\nno frames,\nno ruled lines": ("획:\n테두리와 줄을\n지움", "数字の線:\n枠と罫線を\n取り除く"),
    "digit:\ncut out": ("숫자:\n잘라 냄", "数字:\n切り出す"),
    "stroke width:\nas wide as\nMNIST's strokes": ("획의 굵기:\nMNIST와 같게", "線の太さ:\nMNIST と同じに"),
    "28 x 28:\nwhat the\nnetwork sees": ("28 x 28:\n신경망이\n보는 것", "28 x 28:\nネットワークに\n見えるもの"),
    # weights, activations, gradients
    "Weights of the first layer: {units} units": (
        "첫 번째 층의 가중치: 뉴런 {units}개",
        "第 1 層の重み: ニューロン {units} 個",
    ),
    "weight": ("가중치", "重み"),
    "Activation functions and their gradients": ("활성화 함수와 기울기", "活性化関数とその勾配"),
    "gradient of {name}": ("{name}의 기울기", "{name} の勾配"),
    "Activations by layer": ("층별 활성화값", "各層のアクティベーション"),
    "mean {mean}": ("평균 {mean}", "平均 {mean}"),
    "std {std}": ("표준편차 {std}", "標準偏差 {std}"),
    "{share:.0%} are 0": ("{share:.0%}가 0", "{share:.0%} が 0"),
    "{count:,} not finite": ("유한하지 않은 값 {count:,}개", "有限でない値 {count:,} 個"),
    "layer (length of a bar: number of values)": ("층 (막대 길이: 값의 개수)", "層 (棒の長さ: 値の個数)"),
    "value": ("값", "値"),
    "Forward values and, in red, the gradients of the loss": (
        "순전파의 값과 손실의 기울기 (빨간색)",
        "順伝播の値と、損失の勾配 (赤)",
    ),
    "softmax,\ncross-entropy": ("소프트맥스,\n교차 엔트로피 오차", "softmax、\n交差エントロピー誤差"),
    "sigmoid,\ncross-entropy": ("sigmoid,\n교차 엔트로피 오차", "sigmoid、\n交差エントロピー誤差"),
    "sigmoid,\nsquared error": ("sigmoid,\n제곱 오차", "sigmoid、\n2乗誤差"),
    "squared error": ("제곱 오차", "2乗誤差"),
    "{loss},\nweight decay": ("{loss},\n가중치 감소", "{loss}、\n荷重減衰 (Weight decay)"),
    # the way down
    "The way down: minus the gradient": ("내려가는 길: 기울기의 반대 방향", "下る方向: 勾配の逆向き"),
    "Optimizers on one surface": ("같은 곡면 위의 최적화 기법", "同じ曲面での最適化手法"),
    "{steps:,} step to f = {height:.3g}": (
        "{steps:,}걸음 뒤 f = {height:.3g}",
        "{steps:,} ステップで f = {height:.3g}",
    ),
    "{steps:,} steps to f = {height:.3g}": (
        "{steps:,}걸음 뒤 f = {height:.3g}",
        "{steps:,} ステップで f = {height:.3g}",
    ),
    ", a mark every {every}": (", 표시는 {every}걸음마다", "、印は {every} ステップごと"),
    ", {outside:,} points outside": (", 그림 밖의 점 {outside:,}개", "、図の外の点 {outside:,} 個"),
    "start": ("시작", "開始"),
    "What the learning rate does": ("학습률이 하는 일", "学習率の働き"),
    "learning rate {lr:g}": ("학습률 {lr:g}", "学習率 {lr:g}"),
    "step {step}": ("{step}걸음", "ステップ {step}"),
    "outside": ("그림 밖", "図の外"),
}
