using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>A folder of its own, and an agent's surroundings within it.</summary>
public sealed class TestEnvironment : IDisposable
{
    public TestEnvironment()
    {
        Folder = Directory.CreateTempSubdirectory("kubempi-agent-").FullName;
        Agent = new AgentEnvironment
        {
            Variable = name => Variables.GetValueOrDefault(name),
            Output = Output,
            Error = Error,
            Time = TimeProvider.System,
            Random = new Random(1),
            Processes = new ProcessRunner(),
            Program = null,
        };
        Variables["KUBEMPI_TERMINATION_LOG"] = File("termination-log");
    }

    public string Folder { get; }
    public AgentEnvironment Agent { get; set; }
    public Dictionary<string, string> Variables { get; } = new(StringComparer.Ordinal);
    public StringWriter Output { get; } = new();
    public StringWriter Error { get; } = new();

    public string File(string name) => Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
