// The words of the page in its languages, with the terms of the book's editions.

const en = {
  title: "Draw a digit, and watch a neural network read it",
  language: "Language",
  draw: "Draw a digit here",
  clear: "Clear",
  keys:
    "With the keyboard: the arrow keys move the pen, the space bar puts it down and lifts it, Delete clears. " +
    "Two arrow keys together go diagonally.",
  answer: "The answer",
  nothing: "Nothing is drawn yet.",
  reads: (percent) => `probability ${percent}`,
  unsure: (percent) => `only ${percent}: unsure`,
  spoken: (digit, percent) => `The network reads ${digit}, with a probability of ${percent}.`,
  digits: "The probabilities (softmax) add up to 100%. Choose a digit to see why it is probable, or why not.",
  seen: "What the network sees",
  seenNote:
    "Your drawing in MNIST's form: fitted into 20 × 20 pixels, and placed into 28 × 28 by its centre of mass. " +
    "The 784 pixels are the inputs x.",
  why: "Why",
  speaksFor: (digit, sum) => `spoke for ${digit}: ${sum}`,
  speaksAgainst: (digit, sum) => `spoke against ${digit}: ${sum}`,
  whyNote:
    "Compared with empty paper, the ink of each blue pixel raised the score of this digit, and that of each orange " +
    "one lowered it. A score counts from the mean of all ten. The figures are the sums.",
  hidden: "The hidden units",
  hiddenNote:
    "Each image shows the weights W1 of one hidden unit. Ink on blue excites the unit, ink on orange inhibits it. " +
    "The bar below is its output z1 = sigmoid(x W1 + b1), from 0 to 1, for your drawing.",
  train: "Train it yourself",
  lr: "Learning rate",
  units: "Hidden units",
  optimizer: "Optimizer",
  gradient: "Gradient by",
  backprop: "backpropagation",
  numerical: "numerical differentiation",
  speed: "Steps per second, at most",
  anew: "Train a new network",
  further: "Train this one further",
  stop: "Stop",
  first: "Back to the first network",
  loss: "Loss of the mini-batches",
  accuracy: "Accuracy on 2,000 test images",
  accuracyAxis: "from 0 to 100%",
  from0: (top) => `from 0 to ${top}`,
  steps: (count) => `${count} steps`,
  trainNote:
    "A new network begins with random weights. Each step takes 100 images of MNIST and moves all weights against the " +
    "gradient of the loss. You can change everything while it trains.",
  training: "The network is training.",
  stopped: "The training has stopped.",
  diverged: "The loss is no longer finite: the learning rate is too large. The training has stopped.",
  restored: "This is the first network again.",
  dropped: "Too many tabs were open: this one begins again with the first network.",
  busy: "Four other tabs are training. Stop one of them, then train here.",
  gone: "The server does not answer. Start fastnet play again, and load this page again.",
};

const ko = {
  title: "숫자를 그리면 신경망이 읽습니다",
  language: "언어",
  draw: "여기에 숫자를 그리세요",
  clear: "지우기",
  keys:
    "키보드로도 그릴 수 있습니다. 화살표 키로 펜을 옮기고, 스페이스바로 펜을 내리거나 들며, Delete 키로 모두 지웁니다. " +
    "화살표 키 두 개를 함께 누르면 대각선으로 움직입니다.",
  answer: "신경망의 답",
  nothing: "아직 아무것도 그리지 않았습니다.",
  reads: (percent) => `확률 ${percent}`,
  unsure: (percent) => `확률 ${percent}: 확신 없음`,
  spoken: (digit, percent) => `신경망의 답은 ${digit}, 확률은 ${percent}입니다.`,
  digits: "확률(소프트맥스의 출력)을 모두 더하면 100%입니다. 숫자를 고르면 왜 그 숫자인지, 또는 왜 아닌지 볼 수 있습니다.",
  seen: "신경망이 보는 이미지",
  seenNote:
    "그린 숫자를 MNIST와 같은 형태로 바꾼 것입니다. 20×20픽셀에 맞추고, 무게중심이 가운데에 오도록 28×28픽셀 안에 놓습니다. " +
    "이 784개 픽셀이 입력 x입니다.",
  why: "판단의 근거",
  speaksFor: (digit, sum) => `숫자 ${digit}에 유리한 픽셀의 합: ${sum}`,
  speaksAgainst: (digit, sum) => `숫자 ${digit}에 불리한 픽셀의 합: ${sum}`,
  whyNote:
    "빈 종이일 때와 비교해, 파란색 픽셀의 획은 이 숫자의 점수를 높였고 주황색 픽셀의 획은 낮췄습니다. " +
    "점수는 숫자 열 개의 평균 점수를 0으로 놓고 셉니다. 위의 수는 픽셀별 값의 합입니다.",
  hidden: "은닉층의 뉴런",
  hiddenNote:
    "그림 하나가 은닉층 뉴런 하나의 가중치 W1을 나타냅니다. 파란색 부분에 획이 있으면 뉴런의 출력이 커지고, 주황색 부분에 있으면 작아집니다. " +
    "아래 막대는 그린 숫자에 대한 출력 z1 = sigmoid(x W1 + b1)이며, 0에서 1까지입니다.",
  train: "직접 학습시키기",
  lr: "학습률",
  units: "은닉층 뉴런 수",
  optimizer: "최적화 기법",
  gradient: "기울기 계산",
  backprop: "역전파",
  numerical: "수치 미분",
  speed: "초당 최대 갱신 횟수",
  anew: "새 신경망 학습",
  further: "이 신경망을 이어서 학습",
  stop: "멈추기",
  first: "처음 신경망으로 되돌리기",
  loss: "미니배치의 손실",
  accuracy: "시험 이미지 2,000장의 정확도",
  accuracyAxis: "0부터 100%까지",
  from0: (top) => `0부터 ${top}까지`,
  steps: (count) => `갱신 ${count}회`,
  trainNote:
    "새 신경망의 가중치는 무작위 값에서 시작합니다. MNIST 이미지 100장으로 손실의 기울기를 구하고, 기울기의 반대 방향으로 " +
    "모든 가중치를 조금씩 갱신하는 일을 되풀이합니다. 학습하는 동안에도 설정을 모두 바꿀 수 있습니다.",
  training: "학습하고 있습니다.",
  stopped: "학습을 멈췄습니다.",
  diverged: "손실이 더 이상 유한한 값이 아닙니다. 학습률이 너무 큽니다. 학습을 멈췄습니다.",
  restored: "처음 신경망으로 되돌렸습니다.",
  dropped: "열린 탭이 너무 많아서, 이 탭은 처음 신경망으로 다시 시작합니다.",
  busy: "다른 탭 네 개에서 학습하고 있습니다. 그중 하나를 멈춘 뒤에 여기서 학습시키세요.",
  gone: "서버가 응답하지 않습니다. fastnet play를 다시 실행하고 이 페이지를 새로 고치세요.",
};

const ja = {
  title: "数字を書くと、ニューラルネットワークが読み取ります",
  language: "言語",
  draw: "ここに数字を書いてください",
  clear: "消す",
  keys:
    "キーボードでも書けます。矢印キーでペンを動かし、スペースキーでペンを下ろしたり上げたりし、Deleteキーですべて消します。" +
    "矢印キーを2つ同時に押すと、斜めに動きます。",
  answer: "ネットワークの答え",
  nothing: "まだ何も書かれていません。",
  reads: (percent) => `確率${percent}`,
  unsure: (percent) => `確率${percent}：自信なし`,
  spoken: (digit, percent) => `ネットワークは${percent}の確率で${digit}と読みました。`,
  digits: "確率（ソフトマックス関数の出力）の合計は100%です。数字を選ぶと、なぜその数字なのか、またはなぜ違うのかがわかります。",
  seen: "ネットワークに見える画像",
  seenNote:
    "書いた数字をMNISTと同じ形にしたものです。20×20ピクセルに収め、重心が中央に来るように28×28ピクセルの中に置きます。" +
    "この784個のピクセルが入力xです。",
  why: "判断の根拠",
  speaksFor: (digit, sum) => `${digit}である根拠：${sum}`,
  speaksAgainst: (digit, sum) => `${digit}でない根拠：${sum}`,
  whyNote:
    "何も書かれていないときに比べて、青いピクセルの線はこの数字のスコアを上げ、オレンジのピクセルの線は下げました。" +
    "スコアは10個の数字の平均との差で、上の数値はその合計です。",
  hidden: "隠れ層のニューロン",
  hiddenNote:
    "画像の1つ1つが、隠れ層のニューロン1個の重みW1を表します。青いところに線があるとニューロンの出力は大きくなり、オレンジのところにあると小さくなります。" +
    "下の棒は、書いた数字に対する出力z1 = sigmoid(x W1 + b1)で、0から1までの値です。",
  train: "自分で学習させる",
  lr: "学習率",
  units: "隠れ層のニューロン数",
  optimizer: "最適化手法",
  gradient: "勾配の求め方",
  backprop: "誤差逆伝播法",
  numerical: "数値微分",
  speed: "1秒あたりの最大更新回数",
  anew: "新しいネットワークを学習させる",
  further: "このネットワークの学習を続ける",
  stop: "止める",
  first: "最初のネットワークに戻す",
  loss: "ミニバッチの損失",
  accuracy: "テストデータ2,000枚の認識精度",
  accuracyAxis: "0から100%まで",
  from0: (top) => `0から${top}まで`,
  steps: (count) => `更新${count}回`,
  trainNote:
    "新しいネットワークの重みは、ランダムな値から始まります。MNISTの画像100枚で損失関数の勾配を求め、勾配と逆の方向にすべての重みを少しずつ更新することを繰り返します。" +
    "学習中でも、設定はすべて変更できます。",
  training: "学習しています。",
  stopped: "学習を止めました。",
  diverged: "損失が有限の値ではなくなりました。学習率が大きすぎます。学習を止めました。",
  restored: "最初のネットワークに戻しました。",
  dropped: "開いているタブが多すぎたため、このタブは最初のネットワークからやり直します。",
  busy: "ほかの4つのタブで学習しています。そのうちの1つを止めてから、ここで学習させてください。",
  gone: "サーバーが応答しません。fastnet playをもう一度実行し、このページを再読み込みしてください。",
};

export const words = { en, ko, ja };

// The first language of the browser that the page has; English if it has none of them.
export function preferred() {
  return navigator.languages.map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in words) ?? "en";
}
