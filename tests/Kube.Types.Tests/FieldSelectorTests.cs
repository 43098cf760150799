using System.Text.Json;

namespace Kube.Types.Tests;

public sealed class FieldSelectorTests
{
    private static readonly JsonElement Pod = JsonElement.Parse(
        """{"metadata":{"name":"a,b"},"spec":{"nodeName":"n1","hostNetwork":true},"status":{"phase":"Running","startTime":null}}""");

    [Theory]
    [InlineData("", true)]
    [InlineData("status.phase=Running", true)]
    [InlineData("status.phase==Running,spec.nodeName=n1", true)]
    [InlineData("status.phase!=Running", false)]
    [InlineData("spec.nodeName!=", true)]
    [InlineData("spec.nodeName=", false)]
    [InlineData("spec.absent=", true)]
    [InlineData("spec.absent!=x", true)]
    [InlineData("spec.hostNetwork=true", true)]
    [InlineData(@"metadata.name=a\,b", true)]
    public void A_field_selector_compares_the_fields_text(string selector, bool selected) =>
        Assert.Equal(selected, FieldSelector.Parse(selector).Matches(Pod));

    [Theory]
    [InlineData("status.phase")]
    [InlineData("=x")]
    [InlineData("a=b=c")]
    [InlineData(@"a=b\c")]
    public void What_is_no_field_selector_is_refused(string selector) => Assert.False(FieldSelector.TryParse(selector, out _, out _));

    [Fact]
    public void A_printed_selector_reads_back()
    {
        var selector = FieldSelector.Parse(@"metadata.name=a\,b\\\=,x!=y");
        Assert.Equal("a,b\\=", selector.RequiredValue("metadata.name"));
        Assert.Null(selector.RequiredValue("x"));
        Assert.Equal(selector.Terms, FieldSelector.Parse(selector.ToString()).Terms);
    }
}
