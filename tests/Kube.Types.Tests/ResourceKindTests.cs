namespace Kube.Types.Tests;

public sealed class ResourceKindTests
{
    [Fact]
    public void A_kind_taken_over_to_another_version_says_that_version_everywhere()
    {
        var newer = Kinds.Job with { Version = "v2" };
        Assert.Equal("batch/v2", newer.ApiVersion);
        Assert.Equal("/apis/batch/v2/namespaces/a/jobs/b/status", newer.Path("a", "b", "status"));
        Assert.Equal(new ResourceKind("batch", "v2", "Job", "jobs"), newer);
    }
}
