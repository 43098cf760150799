using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Kube.Types.Tests;

public sealed class LabelSelectorTests
{
    [Theory]
    [InlineData("a=b", "a=b", true)]
    [InlineData("a=b", "a=c", false)]
    [InlineData("a=b", "", false)]
    [InlineData("a==b", "a=b", true)]
    [InlineData("a!=b", "a=c", true)]
    [InlineData("a!=b", "", true)]
    [InlineData("a!=b", "a=b", false)]
    [InlineData("a in (x, y)", "a=y", true)]
    [InlineData("a in (x,y)", "a=z", false)]
    [InlineData("a notin (x,y)", "", true)]
    [InlineData("a notin (x,y)", "a=x", false)]
    [InlineData("a", "a=", true)]
    [InlineData("a", "b=", false)]
    [InlineData("!a", "b=", true)]
    [InlineData("! a", "a=1", false)]
    [InlineData("a=", "a=", true)]
    [InlineData("a in (x,,y)", "a=", true)]
    [InlineData("a>3", "a=4", true)]
    [InlineData("a>3", "a=3", false)]
    [InlineData("a<3", "a=2", true)]
    [InlineData("a<3", "a=x", false)]
    [InlineData("", "a=b", true)]
    [InlineData("training.kubeflow.org/job-name=pi,training.kubeflow.org/job-role in (worker)", "training.kubeflow.org/job-name=pi;training.kubeflow.org/job-role=worker", true)]
    [InlineData("a=b,c!=d,e in (x,y),!f", "a=b;e=x", true)]
    [InlineData("a=b,c!=d,e in (x,y),!f", "a=b;e=x;f=1", false)]
    [InlineData("in=notin", "in=notin", true)]
    public void A_selector_selects_as_kubectl_does(string selector, string labels, bool selected) =>
        Assert.Equal(selected, LabelSelector.Parse(selector).Matches(Labels(labels)));

    // The words of a kube-apiserver 1.35.
    [Theory]
    [InlineData("a=b,", "found '', expected: identifier after ','")]
    [InlineData("a in x", "unable to parse requirement: found 'x' expected: '('")]
    [InlineData("a in (x", "unable to parse requirement: found '', expected: ',' or ')'")]
    [InlineData("a in (x,", "unable to parse requirement: found '', expected: ',', or identifier")]
    [InlineData("a in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'")]
    [InlineData("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("a!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("a=b c", "found 'c', expected: ',' or 'end of string'")]
    [InlineData("!a=b", "found '=', expected: ',' or 'end of string'")]
    [InlineData("=b", "found '=', expected: !, identifier, or 'end of string'")]
    [InlineData(",", "found ',', expected: !, identifier, or 'end of string'")]
    [InlineData("!", "unable to parse requirement: found '', expected: identifier")]
    [InlineData("a=(", "unable to parse requirement: found '(', expected: identifier")]
    [InlineData("a,,b", "found ',', expected: identifier after ','")]
    [InlineData("a>b", "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer")]
    public void What_is_no_selector_is_refused_in_the_servers_words(string selector, string error) =>
        Assert.Equal(error, Assert.Throws<FormatException>(() => LabelSelector.Parse(selector)).Message);

    [Theory]
    [InlineData("a=b@", "values[0][a]: Invalid value: \"b@\": a valid label must be an empty string or consist of")]
    [InlineData("a/b/c=d", "Invalid value: \"a/b/c\": a valid label key must consist of")]
    public void Invalid_keys_and_values_are_refused_with_the_rule(string selector, string error) =>
        Assert.Contains(error, Assert.Throws<FormatException>(() => LabelSelector.Parse(selector)).Message);

    [Fact]
    public void The_object_form_means_the_same_as_its_text()
    {
        var errors = new List<FieldError>();
        var selector = LabelSelector.Read(
            JsonElement.Parse("""
                {"matchLabels":{"b":"1"},"matchExpressions":[{"key":"a","operator":"In","values":["y","x"]},{"key":"c","operator":"DoesNotExist"},
                 {"key":"d","operator":"NotIn","values":["q"]},{"key":"e","operator":"Exists"}]}
                """),
            "spec.selector", errors);
        Assert.Empty(errors);
        Assert.Equal("a in (x,y),b=1,!c,d!=q,e", selector.ToString());
        Assert.Equal(LabelSelector.Parse(selector.ToString()), selector);
    }

    [Fact]
    public void An_absent_selector_selects_nothing_and_an_empty_one_everything()
    {
        var errors = new List<FieldError>();
        Assert.False(LabelSelector.Read(default, "s", errors).Matches(Labels("a=b")));
        Assert.True(LabelSelector.Read(JsonElement.Parse("{}"), "s", errors).Matches(Labels("a=b")));
    }

    [Fact]
    public void Every_fault_of_the_object_form_is_named_with_its_path()
    {
        var errors = new List<FieldError>();
        LabelSelector.Read(
            JsonElement.Parse("""{"matchLabels":{"a b":"1"},"matchExpressions":[{"key":"a","operator":"in"},{"key":"a","operator":"In"},{"key":"a","operator":"Exists","values":["x"]},{"key":"a","operator":"In","values":["x","x@"]}]}"""),
            "spec.selector", errors);
        Assert.Equal(
            ["spec.selector.matchLabels", "spec.selector.matchExpressions[0].operator", "spec.selector.matchExpressions[1].values", "spec.selector.matchExpressions[2].values", "spec.selector.matchExpressions[3].values[1]"],
            errors.Select(e => e.Path));
    }

    [Fact]
    public void Printing_and_parsing_keeps_what_a_selector_selects()
    {
        var word = Gen.Elements("a", "b", "c", "x", "y");
        var requirement =
            from key in word
            from operation in Gen.Elements(Enum.GetValues<LabelOperator>())
            from values in Gen.NonEmptyListOf(Gen.Elements("", "a", "b", "x"))
            from number in Gen.Choose(-5, 5)
            select new LabelRequirement(key, operation, operation switch
            {
                LabelOperator.In or LabelOperator.NotIn => [.. values],
                LabelOperator.Exists or LabelOperator.DoesNotExist => [],
                _ => [Math.Abs(number).ToString()],
            });
        var labels = Gen.ListOf(word.Zip(Gen.Elements("", "a", "b", "x", "3"))).Select(pairs => pairs.GroupBy(p => p.Item1).ToDictionary(g => g.Key, g => g.First().Item2));
        Prop.ForAll(Gen.ListOf(requirement).Zip(labels).ToArbitrary(), input =>
        {
            var selector = LabelSelector.ForRequirements(input.Item1);
            var read = LabelSelector.Parse(selector.ToString());
            return read.ToString() == selector.ToString() && read.Matches(input.Item2) == selector.Matches(input.Item2)
                && selector.Matches(input.Item2) == input.Item1.All(r => r.Matches(input.Item2));
        }).QuickCheckThrowOnFailure();
    }

    private static Dictionary<string, string> Labels(string text) =>
        text.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1]);
}
