using System.Globalization;
using Mpi.Dialects;

namespace Mpi.Cli;

/// <summary>
/// What ssh asks of an image whose keys come from a Secret, for root and for others (spec/cerit-sshd-image.md 1, 4): the account, the server's
/// settings, the client's.
/// </summary>
internal sealed class SshContract(RootFiles files, RootAccount user, string searchPath, Action<FindingSeverity, string, string, string> report)
{
    private const string ClientConfig = "/etc/ssh/ssh_config";
    private const int UsualPort = 22;
    private const int FirstFreePort = 1024;

    private static readonly string[] UsualHostKeys = ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"];

    /// <summary>Where the sshd of a distribution looks for the folder that its unprivileged child lives in.</summary>
    private static readonly string[] EmptyFolders = ["/run/sshd", "/var/run/sshd", "/usr/share/empty.sshd", "/var/empty/sshd", "/var/empty", "/var/lib/empty"];

    private bool IsRoot => user.Uid == 0;
    private string Uid { get; } = string.Create(CultureInfo.InvariantCulture, $"UID {user.Uid}");
    private string Keys => $"{user.Home.TrimEnd('/')}/.ssh";

    public void Check(string sshdConfig)
    {
        var hasAccount = CheckAccount();
        if (files.Find("/usr/sbin/sshd") is not { IsProgram: true }) Fault("/usr/sbin/sshd", "there is no sshd", "RUN apt-get install -y openssh-server");
        if (files.FindProgram("ssh", searchPath) is null) Fault("/usr/bin/ssh", "there is no ssh, by which the launcher reaches the workers", "RUN apt-get install -y openssh-client");
        var port = UsualPort;
        if (files.Find(sshdConfig) is { IsFile: true }) port = CheckServer(SshSettings.Read(files, sshdConfig), hasAccount);
        else Fault(sshdConfig, "there is no configuration of sshd, and its defaults refuse keys from a Secret", "write one (kubempi image dockerfile prints it)");
        CheckClient(SshSettings.Read(files, ClientConfig), port);
    }

    /// <returns>Whether the user has a home that keys can be mounted in.</returns>
    private bool CheckAccount()
    {
        if (user.Name.Length == 0)
        {
            Fault("/etc/passwd", $"{Uid} has no account, and neither sshd nor ssh works for such a user (\"No user exists for uid\")", string.Create(CultureInfo.InvariantCulture, $"RUN useradd -m -u {user.Uid} user"));
            return false;
        }

        if (files.Find(user.Home) is not { IsFolder: true } home) Fault(user.Home, $"the home of {user.Name} does not exist", $"RUN mkdir -p {user.Home} && chown {user.Name} {user.Home}");
        else if (home.Owner is not null && !home.Lets(user.Uid, UnixFileMode.OtherExecute)) Fault(user.Home, $"{Uid} may not enter its home", $"RUN chown {user.Name} {user.Home}");
        var shell = user.Shell[(user.Shell.LastIndexOf('/') + 1)..];
        if (shell is "nologin" or "false") Fault("/etc/passwd", $"the shell of {user.Name} is {user.Shell}, which ends every login", $"RUN usermod -s /bin/sh {user.Name}");
        else if (files.Find(user.Shell) is not { IsProgram: true }) Fault(user.Shell, $"the shell of {user.Name} does not exist", $"install it, or RUN usermod -s /bin/sh {user.Name}");
        return true;
    }

    /// <returns>The port.</returns>
    private int CheckServer(SshSettings sshd, bool hasAccount)
    {
        var port = Port(sshd);
        if (!IsRoot && port < FirstFreePort) Fault(sshd.Place("Port"), string.Create(CultureInfo.InvariantCulture, $"{Uid} cannot bind port {port}"), "Port 2222, here and in the client's configuration");
        if (hasAccount && !HostKeys(sshd).Any(IsUsable)) Fault(sshd.Place("HostKey"), $"there is no host key that {Uid} could read (\"no hostkeys available\")", "HostKey ~/.ssh/id_rsa, which is the job's own key");
        if (sshd.IsYes("StrictModes", otherwise: true)) Fault(sshd.Place("StrictModes"), "StrictModes is on, and keys that are mounted from a Secret lie in a folder that anybody may write (\"Permission denied (publickey)\")", "StrictModes no");
        if (!sshd.IsYes("PubkeyAuthentication", otherwise: true)) Fault(sshd.Place("PubkeyAuthentication"), "logins by key are switched off", "PubkeyAuthentication yes, or leave it out");
        if (sshd["AuthorizedKeysFile"] is { } places && !places.Split(' ').Any(p => p is ".ssh/authorized_keys" or "%h/.ssh/authorized_keys" || p == $"{Keys}/authorized_keys"))
        {
            Fault(sshd.Place("AuthorizedKeysFile"), $"authorized keys are looked for in {places}, and mounted as {Keys}/authorized_keys", "leave AuthorizedKeysFile out");
        }

        if (IsRoot) CheckRootsServer(sshd);
        else CheckOrdinaryServer(sshd);
        return port;
    }

    private void CheckOrdinaryServer(SshSettings sshd)
    {
        if (sshd.IsYes("UsePAM", otherwise: false)) Fault(sshd.Place("UsePAM"), "an sshd without root cannot use PAM, and closes every connection (\"Connection closed by\")", "UsePAM no, or leave it out");
        var pid = sshd["PidFile"] ?? "/run/sshd.pid";
        if (pid != "none" && (pid.StartsWith("/run/", StringComparison.Ordinal) || pid.StartsWith("/var/run/", StringComparison.Ordinal)))
        {
            report(FindingSeverity.Warning, sshd.Place("PidFile"), $"{Uid} cannot write {pid}; sshd complains and works all the same", "PidFile /tmp/sshd.pid");
        }
    }

    private void CheckRootsServer(SshSettings sshd)
    {
        if (!EmptyFolders.Any(folder => files.Find(folder) is { IsFolder: true })) Fault("/run/sshd", "an sshd of root needs this folder (\"Missing privilege separation directory\")", "RUN mkdir -p /run/sshd");
        if (sshd["PermitRootLogin"]?.ToLowerInvariant() is "no" or "forced-commands-only") Fault(sshd.Place("PermitRootLogin"), "root may not log in", "PermitRootLogin prohibit-password");
        // PAM looks at the password's state itself.
        var isLocked = files.Lines("/etc/shadow").Any(line => line.StartsWith($"{user.Name}:!", StringComparison.Ordinal));
        if (isLocked && !sshd.IsYes("UsePAM", otherwise: false)) Fault("/etc/shadow", $"the account {user.Name} is locked, and sshd lets nobody into a locked account", $"RUN usermod -p '*' {user.Name}");
    }

    private void CheckClient(SshSettings client, int serverPort)
    {
        var port = Port(client);
        if (port != serverPort) Fault(client.Place("Port"), string.Create(CultureInfo.InvariantCulture, $"the client calls port {port}, and sshd listens on {serverPort}"), string.Create(CultureInfo.InvariantCulture, $"Port {serverPort} under Host *"));
        if (client["StrictHostKeyChecking"]?.ToLowerInvariant() is not ("no" or "off" or "accept-new")) Fault(client.Place("StrictHostKeyChecking"), "the client refuses hosts that it has never seen, and the hosts of a job are always new (\"Host key verification failed\")", "StrictHostKeyChecking no under Host *");
        if (client["UserKnownHostsFile"] is not ("/dev/null" or "none")) report(FindingSeverity.Warning, client.Place("UserKnownHostsFile"), $"the client wants to write known_hosts, and {Keys} is read-only; it says so at every login, and works", "UserKnownHostsFile /dev/null under Host *");
    }

    private IEnumerable<string> HostKeys(SshSettings sshd) => sshd.HostKeys is { Count: > 0 } given ? given : UsualHostKeys;

    /// <summary>Below the mounted folder there are the Secret's files and no others.</summary>
    private bool IsUsable(string hostKey)
    {
        var path = hostKey.StartsWith("~/", StringComparison.Ordinal) ? $"{user.Home.TrimEnd('/')}{hostKey[1..]}" : hostKey;
        return path.StartsWith($"{Keys}/", StringComparison.Ordinal) ? path == $"{Keys}/id_rsa" : files.Find(path) is { IsFile: true } key && key.Lets(user.Uid, UnixFileMode.OtherRead);
    }

    private static int Port(SshSettings settings) => int.TryParse(settings["Port"], NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : UsualPort;

    private void Fault(string path, string message, string fix) => report(FindingSeverity.Error, path, message, fix);
}
