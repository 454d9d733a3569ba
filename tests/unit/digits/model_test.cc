#include "examples/digits/model.h"

#include <gtest/gtest.h>

#include <numeric>

#include "examples/digits/random.h"

namespace digits {
namespace {

Example RandomExample(Random& random, int label) {
  Example example;
  for (double& pixel : example.pixels) pixel = random.Uniform();
  example.label = label;
  return example;
}

double Loss(const Model& model, const Example& example) {
  std::vector<double> ignored(Model::kParameters);
  return model.AddGradient(example, ignored);
}

TEST(ModelTest, ProbabilitiesAddUpToOne) {
  Random random(7);
  const auto probabilities = Model(1).Predict(RandomExample(random, 0));
  EXPECT_NEAR(std::accumulate(probabilities.begin(), probabilities.end(), 0.0), 1.0, 1e-12);
  for (const double probability : probabilities) EXPECT_GT(probability, 0.0);
}

TEST(ModelTest, SoftmaxDoesNotOverflow) {
  Model model(1);
  for (double& parameter : model.parameters()) parameter *= 1e6;
  Random random(7);
  const auto probabilities = model.Predict(RandomExample(random, 0));
  EXPECT_NEAR(std::accumulate(probabilities.begin(), probabilities.end(), 0.0), 1.0, 1e-12);
}

// Every one of the 2,410 derivatives, against a central difference.
TEST(ModelTest, GradientAgreesWithFiniteDifferences) {
  constexpr double kStep = 1e-6;
  Model model(3);
  Random random(7);
  const Example example = RandomExample(random, 4);
  std::vector<double> gradient(Model::kParameters);
  model.AddGradient(example, gradient);
  for (int i = 0; i < Model::kParameters; ++i) {
    double& parameter = model.parameters()[i];
    const double original = parameter;
    parameter = original + kStep;
    const double above = Loss(model, example);
    parameter = original - kStep;
    const double below = Loss(model, example);
    parameter = original;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-6) << "parameter " << i;
  }
}

TEST(ModelTest, AddGradientAdds) {
  const Model model(3);
  Random random(7);
  const Example example = RandomExample(random, 4);
  std::vector<double> once(Model::kParameters);
  std::vector<double> twice(Model::kParameters);
  model.AddGradient(example, once);
  model.AddGradient(example, twice);
  model.AddGradient(example, twice);
  for (int i = 0; i < Model::kParameters; ++i) EXPECT_DOUBLE_EQ(twice[i], 2 * once[i]);
}

}  // namespace
}  // namespace digits
