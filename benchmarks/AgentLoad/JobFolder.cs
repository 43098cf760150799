using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Benchmarks.AgentLoad;

/// <summary>What the operator and the init container prepare for a job: the delivered agent, and both sides' credentials.</summary>
internal sealed class JobFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kal.");

    private JobFolder() { }

    public string Root => _folder.FullName;

    public int Port { get; } = FreePort();

    public static JobFolder Make(string agent)
    {
        var job = new JobFolder();
        var made = JobCertificates.Create();
        job.Write("launcher", made.LauncherCertificate, made.LauncherKey, made.WorkerCertificate);
        job.Write("worker", made.WorkerCertificate, made.WorkerKey, made.LauncherCertificate);
        using var deliver = Process.Start(agent, [AgentContract.DeliverRole, job.Root]);
        deliver.WaitForExit();
        return deliver.ExitCode == 0 ? job : throw new InvalidOperationException($"{agent} is not the native agent");
    }

    public AgentCredentials WorkerCredentials() => AgentCredentials.Load(Path.Combine(Root, "worker"));

    /// <summary>A role of the delivered agent, on one side of the job.</summary>
    public Process Start(string side, string name, params string[] role)
    {
        var start = new ProcessStartInfo(Path.Combine(Root, AgentContract.FileName), role) { UseShellExecute = false, RedirectStandardOutput = true };
        start.Environment[AgentContract.NameVariable] = name;
        start.Environment[AgentContract.CredentialsVariable] = Path.Combine(Root, side);
        start.Environment[AgentContract.PortVariable] = Port.ToString(CultureInfo.InvariantCulture);
        start.Environment[AgentContract.ServiceVariable] = IPAddress.Loopback.ToString();
        start.Environment[AgentContract.LauncherVariable] = "launcher";
        start.Environment[AgentContract.TerminationLogVariable] = Path.Combine(Root, "termination-log");
        var process = Process.Start(start)!;
        // What it says is of no interest, and must not fill its pipe.
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    private void Write(string side, string certificate, string key, string peer)
    {
        var directory = Directory.CreateDirectory(Path.Combine(Root, side)).FullName;
        File.WriteAllText(Path.Combine(directory, AgentContract.CertificateFile), certificate);
        File.WriteAllText(Path.Combine(directory, AgentContract.KeyFile), key);
        File.WriteAllText(Path.Combine(directory, AgentContract.PeerFile), peer);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
