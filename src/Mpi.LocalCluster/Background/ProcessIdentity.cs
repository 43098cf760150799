using System.Globalization;

namespace Mpi.LocalCluster;

/// <summary>
/// A process that can be recognised later: PIDs are used again, and so a PID alone names whoever has it now. With the time of its start
/// and the machine's boot it names one process for good.
/// </summary>
/// <param name="Pid">As this PID namespace counts.</param>
/// <param name="Start">Clock ticks from boot to its start: field 22 of <c>/proc/PID/stat</c> (proc(5)).</param>
/// <param name="Boot">The kernel's identifier of this boot.</param>
public sealed record ProcessIdentity(int Pid, string Start, string Boot)
{
    public static ProcessIdentity OfThis() => Of(Environment.ProcessId);

    /// <summary>Whoever has this PID now.</summary>
    public static ProcessIdentity Of(int pid) => new(pid, StartOf(pid), ThisBoot);

    public bool Lives => Boot == ThisBoot && Start.Length > 0 && StartOf(Pid) == Start;

    /// <summary>Sends it a signal, if it lives.</summary>
    public void Send(int signal)
    {
        if (Lives) _ = LibC.Kill(Pid, signal);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Pid} {Start} {Boot}");

    /// <returns>Null when the text is none of ours.</returns>
    public static ProcessIdentity? Parse(string? text) =>
        text?.Split(' ') is [var pid, var start, var boot] && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new ProcessIdentity(number, start, boot)
            : null;

    /// <summary>Empty when there is no such process, or only its remains, which nobody has collected yet.</summary>
    internal static string StartOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
            // The second field is the command in parentheses and may hold spaces: count from behind it.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? "" : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string ThisBoot => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
