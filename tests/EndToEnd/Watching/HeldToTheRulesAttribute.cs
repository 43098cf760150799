using System.Reflection;
using Xunit.v3;

[assembly: EndToEnd.HeldToTheRules]

namespace EndToEnd;

/// <summary>A rule that was broken in a cluster of a test fails that test, beside whatever else has failed in it.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class HeldToTheRulesAttribute : BeforeAfterTestAttribute
{
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (Lookout.Take(test.UniqueID).Concat(Lookout.Take(test.TestCase.TestClass?.UniqueID)).FirstOrDefault() is { } broken) throw broken;
    }
}
