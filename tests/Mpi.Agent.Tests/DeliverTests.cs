using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class DeliverTests : IDisposable
{
    private readonly TestEnvironment test = new();
    private readonly string volume;

    public DeliverTests()
    {
        volume = test.File("volume");
        Directory.CreateDirectory(volume);
    }

    [Fact]
    public async Task A_build_in_one_file_copies_itself_as_a_program_for_everybody()
    {
        await GiveProgramAsync();

        Assert.Equal(AgentProgram.Success, await RunAsync());

        Assert.Equal("\u007fELF", await File.ReadAllTextAsync(Path.Combine(volume, "kubempi-agent")));
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(Path.Combine(volume, "kubempi-agent")));
        Assert.Equal(["kubempi-agent", "kubempi-exec", "kubempi-rsh", "tmp"], Directory.GetFileSystemEntries(volume).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Beside_it_stands_a_remote_shell_that_needs_no_shell_to_start()
    {
        await GiveProgramAsync();

        Assert.Equal(AgentProgram.Success, await RunAsync());

        Assert.Equal($"#!{volume}/kubempi-agent remote-shell\n", await File.ReadAllTextAsync(Path.Combine(volume, "kubempi-rsh")));
        Assert.Equal($"#!{volume}/kubempi-agent exec-shell\n", await File.ReadAllTextAsync(Path.Combine(volume, "kubempi-exec")));
        Assert.All(["kubempi-rsh", "kubempi-exec"], name => Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(Path.Combine(volume, name))));
    }

    [Fact]
    public async Task Delivering_again_replaces_what_is_there()
    {
        await File.WriteAllTextAsync(Path.Combine(volume, "kubempi-agent"), "an old one");
        await GiveProgramAsync();

        Assert.Equal(AgentProgram.Success, await RunAsync());

        Assert.Equal("\u007fELF", await File.ReadAllTextAsync(Path.Combine(volume, "kubempi-agent")));
    }

    [Fact]
    public async Task A_build_that_needs_its_runtime_says_that_it_cannot_be_copied()
    {
        Assert.Equal(AgentProgram.Usage, await RunAsync());
        Assert.Contains("this build of the agent is not one file", test.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_folder_is_a_failure_with_its_path()
    {
        await GiveProgramAsync();

        Assert.Equal(AgentProgram.Failure, await AgentProgram.RunAsync(["deliver", test.File("absent")], test.Agent, CancellationToken.None));
        Assert.Contains("absent", test.Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_role_gets_the_usage()
    {
        Assert.Equal(AgentProgram.Usage, await AgentProgram.RunAsync(["serve"], test.Agent, CancellationToken.None));
        Assert.StartsWith("kubempi-agent: usage:", test.Error.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => test.Dispose();

    private Task<int> RunAsync() => AgentProgram.RunAsync(["deliver", volume], test.Agent, CancellationToken.None);

    /// <summary>One that its owner alone may read, so that its mode is no help.</summary>
    private async Task GiveProgramAsync()
    {
        var program = test.File("agent-binary");
        await File.WriteAllTextAsync(program, "\u007fELF");
        File.SetUnixFileMode(program, UnixFileMode.UserRead);
        test.Agent = test.Agent with { Program = program };
    }
}
