using System.CommandLine;
using System.Text.RegularExpressions;
using Mpi.Model;

namespace Mpi.Cli.Tests;

/// <summary>What <c>image dockerfile</c> prints, by what its steps make of a root file system.</summary>
public sealed partial class ImageDockerfileTests
{
    public static IEnumerable<TheoryDataRow<string[]>> Variants() =>
        from transport in new[] { "ssh", "agent", "exec" }
        from mpi in new[] { "openmpi", "mpich" }
        from user in new string[][] { [], ["--user", "ann", "--uid", "4711", "--port", "2200"], ["--user", "root", "--port", "22"] }
        select new TheoryDataRow<string[]>(["--transport", transport, "--mpi", mpi, .. user]);

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Every_variant_builds_an_image_that_passes_the_check(string[] arguments)
    {
        var text = await PrintAsync(arguments);
        using var root = DockerfilePlayer.Debian();
        await DockerfilePlayer.PlayAsync(text, "", root, TestContext.Current.CancellationToken);

        var user = User().Match(text) is { Success: true } line ? line.Groups["uid"].Value : "0";
        var report = ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(Enum.Parse<Transport>(arguments[1], ignoreCase: true), user));
        Assert.Empty(report.Findings);
        Assert.Equal(arguments[3] == "mpich" ? MpiImplementation.Mpich : MpiImplementation.OpenMpi, report.Mpi?.Implementation);
        Assert.Contains($"UID {user}", report.User.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The Dockerfiles of images/, each with the users and transports that it is for.</summary>
    [Theory]
    [InlineData("cerit/mpi", "user", Transport.Ssh)]
    [InlineData("mpioperator/openmpi", "root", Transport.Ssh)]
    [InlineData("mpioperator/mpich", "root", Transport.Ssh)]
    [InlineData("mpioperator/openmpi", "mpiuser", Transport.Ssh, "/home/mpiuser/.sshd_config")]
    [InlineData("mpioperator/mpich", "mpiuser", Transport.Ssh, "/home/mpiuser/.sshd_config")]
    [InlineData("piersharding/mpibase", "root", Transport.Agent)]
    [InlineData("piersharding/mpibase", "root", Transport.Exec)]
    public async Task The_images_of_the_repository_pass_the_check(string image, string user, Transport transport, string sshdConfig = "/etc/ssh/sshd_config")
    {
        using var root = DockerfilePlayer.Debian();
        string[] chain = image.StartsWith("mpioperator/", StringComparison.Ordinal) ? ["mpioperator/base", image] : [image];
        foreach (var folder in chain.Select(Repository.Folder)) await DockerfilePlayer.PlayAsync(await File.ReadAllTextAsync(Path.Combine(folder, "Dockerfile"), TestContext.Current.CancellationToken), folder, root, TestContext.Current.CancellationToken);
        Assert.Equal("", string.Join('\n', ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(transport, user, SshdConfig: sshdConfig)).Findings));
    }

    [Fact]
    public async Task The_base_is_the_callers_and_root_has_no_account_made()
    {
        Assert.Contains("\nFROM ubuntu:24.04\n", await PrintAsync(["--base", "ubuntu:24.04"]), StringComparison.Ordinal);
        var text = await PrintAsync(["--user", "root"]);
        Assert.DoesNotContain("useradd", text, StringComparison.Ordinal);
        Assert.DoesNotContain("USER", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--uid: must be at least 1; root is --user root", "--uid", "0")]
    [InlineData("--port: only root may bind a port below 1024", "--port", "22")]
    [InlineData("--port: must be between 1 and 65535", "--port", "0", "--user", "root")]
    [InlineData("--user: \"a b\" is no name for an account", "--user", "a b")]
    public async Task What_cannot_work_is_refused(string message, params string[] arguments) =>
        Assert.Equal((2, "", $"kubempi image dockerfile: {message}\n"), await InvokeAsync(["image", "dockerfile", .. arguments]));

    [Fact]
    public async Task A_transport_that_there_is_not_is_refused() => Assert.Contains("\"rsh\" is none of ssh, agent, exec", (await InvokeAsync(["image", "dockerfile", "--transport", "rsh"])).Errors, StringComparison.Ordinal);

    [Fact]
    public async Task The_check_of_an_image_ends_with_its_verdict()
    {
        using var root = ScratchRoot.Cerit();
        Assert.Equal(0, (await InvokeAsync(["image", "check", root.Folder])).Code);
        Assert.Equal(1, (await InvokeAsync(["image", "check", root.Without("/usr/sbin/sshd").Folder])).Code);
        Assert.Equal(0, (await InvokeAsync(["image", "check", root.Folder, "--transport", "agent", "--user", "4711"])).Code);
        Assert.Equal(2, (await InvokeAsync(["image", "check", root.Folder + "/nothing"])).Code);
        Assert.Equal(2, (await InvokeAsync(["image", "check", root.Folder, "--user", "nobody-knows"])).Code);
    }

    private static async Task<string> PrintAsync(string[] arguments)
    {
        var (code, output, errors) = await InvokeAsync(["image", "dockerfile", .. arguments]);
        Assert.Equal((0, ""), (code, errors));
        return output;
    }

    private static async Task<(int Code, string Output, string Errors)> InvokeAsync(string[] arguments)
    {
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var code = await new RootCommand { ImageCommand.Create() }.Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = output, Error = errors }, TestContext.Current.CancellationToken);
        return (code, output.ToString(), errors.ToString());
    }

    [GeneratedRegex("^USER (?<uid>[0-9]+):", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex User();
}
