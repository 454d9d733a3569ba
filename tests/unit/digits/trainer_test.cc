#include "examples/digits/trainer.h"

#include <gtest/gtest.h>

namespace digits {
namespace {

class TrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto examples = LoadDigits(DIGITS_CSV);
    ASSERT_TRUE(examples.ok()) << examples.status();
    data_ = Split(*std::move(examples), 1);
  }

  static void TrainEpochs(Trainer& trainer, int64_t epochs) {
    while (trainer.epoch() < epochs) trainer.Step();
  }

  Dataset data_;
};

TEST_F(TrainerTest, LearnsToReadDigitsInFiveEpochs) {
  Trainer trainer(data_, {});
  const Evaluation before = trainer.EvaluateTest();
  EXPECT_LT(before.accuracy, 0.4);
  TrainEpochs(trainer, 5);
  const Evaluation after = trainer.EvaluateTest();
  EXPECT_GT(after.accuracy, 0.85);
  EXPECT_LT(after.loss, before.loss / 2);
}

TEST_F(TrainerTest, TheSameSeedGivesTheSameModel) {
  Trainer first(data_, {.seed = 5});
  Trainer second(data_, {.seed = 5});
  Trainer other(data_, {.seed = 6});
  for (Trainer* trainer : {&first, &second, &other}) TrainEpochs(*trainer, 2);
  EXPECT_EQ(first.Snapshot().parameters, second.Snapshot().parameters);
  EXPECT_NE(first.Snapshot().parameters, other.Snapshot().parameters);
}

TEST_F(TrainerTest, AnEpochShowsEveryExample) {
  Trainer trainer(data_, {.batch_size = 100});
  const auto batches = static_cast<int64_t>((data_.train.size() + 99) / 100);
  for (int64_t i = 0; i < batches; ++i) {
    EXPECT_FALSE(trainer.AtEpochEnd());
    trainer.Step();
  }
  EXPECT_TRUE(trainer.AtEpochEnd());
  EXPECT_EQ(trainer.epoch(), 1);
  EXPECT_EQ(trainer.step(), batches);
}

TEST_F(TrainerTest, ANewLearningRateWorksFromTheNextStepOn) {
  Trainer steered(data_, {.momentum = 0});
  Trainer left_alone(data_, {.momentum = 0});
  steered.Step();
  left_alone.Step();
  EXPECT_EQ(steered.Snapshot().parameters, left_alone.Snapshot().parameters);
  steered.set_learning_rate(0.01);
  steered.Step();
  left_alone.Step();
  EXPECT_NE(steered.Snapshot().parameters, left_alone.Snapshot().parameters);
  EXPECT_EQ(steered.Snapshot().learning_rate, 0.01);
}

}  // namespace
}  // namespace digits
