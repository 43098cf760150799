namespace Kube.Controllers.Tests;

public sealed class IndexSetTests
{
    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("0,1")]
    [InlineData("0-2,5,7,8,10-12")]
    public void Text_is_read_and_written_back(string text) => Assert.Equal(text, IndexSet.Parse(text).ToString());

    [Fact]
    public void Neighbours_join() => Assert.Equal("1-4", IndexSet.Parse("1,2,4").Add([3]).ToString());
}
