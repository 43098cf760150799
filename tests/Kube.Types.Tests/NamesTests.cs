namespace Kube.Types.Tests;

public sealed class NamesTests
{
    [Fact]
    public void Faults_are_worded_as_Kubernetes_words_them()
    {
        Assert.Equal(
            ["a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"],
            Names.CheckDns1123Label("A"));
        Assert.Equal(
            ["a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"],
            Names.CheckDns1035Label("1a"));
        Assert.Equal(["must be no more than 63 characters"], Names.CheckDns1123Label(new string('a', 64)));
        Assert.Equal(["must be no more than 63 bytes"], Names.CheckLabelValue(new string('a', 64)));
        Assert.Equal(["name part must be no more than 63 bytes"], Names.CheckQualifiedName(new string('a', 64)));
        Assert.Equal(
            ["a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"],
            Names.CheckLabelValue("d@"));
        Assert.StartsWith("a lowercase RFC 1123 subdomain must consist of", Names.CheckDns1123Subdomain("a..b")[0]);
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("a-1", true)]
    [InlineData("1a", true)]
    [InlineData("-a", false)]
    [InlineData("a-", false)]
    [InlineData("a.b", false)]
    [InlineData("", false)]
    [InlineData("ä", false)]
    public void Labels_of_RFC_1123(string name, bool valid) => Assert.Equal(valid, Names.CheckDns1123Label(name).IsEmpty);

    [Theory]
    [InlineData("a.b-c.d", true)]
    [InlineData("a.-b", false)]
    [InlineData("a_b", false)]
    [InlineData(".a", false)]
    public void Subdomains_of_RFC_1123(string name, bool valid) => Assert.Equal(valid, Names.CheckDns1123Subdomain(name).IsEmpty);

    [Theory]
    [InlineData("example.com/MyName", true)]
    [InlineData("A_b.c", true)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("a/b/c", false)]
    [InlineData("A_/b", false)]
    public void Qualified_names(string name, bool valid) => Assert.Equal(valid, Names.CheckQualifiedName(name).IsEmpty);

    [Theory]
    [InlineData("hostfile", true)]
    [InlineData(".dockerconfigjson", true)]
    [InlineData("..", false)]
    [InlineData("..data", false)]
    [InlineData("a/b", false)]
    public void Keys_of_config_maps(string key, bool valid) => Assert.Equal(valid, Names.CheckConfigMapKey(key).IsEmpty);
}
